#!/bin/sh
# Every pipeline on four weeks of generated data: three weeks are delivered and run, then the fourth arrives.
# Run it as `make demo`. It starts clean: data/raw, data/lake, data/exports and data/ledger.db are replaced.
set -eu
cd "$(dirname "$0")/.."

export SLUICE_RAW=data/raw
export SLUICE_LAKE=data/lake
export SLUICE_EXPORTS=data/exports
export SLUICE_LEDGER=sqlite:///data/ledger.db
export SLUICE_LOGS=data/logs

say() { printf '\n== %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }

deliver() {
  sluice sample retail --days 28 --rows 20000 --deliver "$1" --quiet
  sluice sample marketing --days 28 --rows 12000 --deliver "$1" --quiet
  sluice sample features --days 28 --rows 12000 --deliver "$1" --quiet
}

rm -rf data/raw data/lake data/exports
rm -f data/ledger.db data/ledger.db-wal data/ledger.db-shm
mkdir -p data

say "Days 1 to 21 are delivered: shops, ad platforms, click-streams, labels. A part of it is wrong on purpose"
deliver 1-21
say "The first run reads all of it"
show sluice run --brief --quiet

say "A week later: days 22 to 28 arrive, and only they are read"
deliver 22-28
show sluice run --brief --quiet

say "What was held back, by reason: one of the pipelines in full"
show sluice quarantine list marketing.conversions

say "Quality: what the second run staged for one table, profiled and held against expectations and history"
show sluice quality report retail/daily_sales

say "What came of it: return on investment by channel, and a report with plots at pinned table versions"
show python notebooks/release_report.py

say "Files for programs that read no Delta tables"
ls -1 data/exports/*/*

cat <<'TEXT'

== Where to look next
  data/exports/marketing/report.html   the report, one file: open it in a browser
  data/exports                         JSON for BI tools, feature vectors for serving
  data/raw                             the files as they were delivered; _truth folders say what is wrong with them
  data/lake                            the Delta tables, and below _sluice the plan of every run
  pipelines, schemas                   the pipelines that just ran, and the rules that sent rows to the quarantine
  notebooks                            from a sample to a pipeline module, and the report
To try the commands on this data: `. .venv/bin/activate`, then `sluice --help`, `sluice table list`, `sluice quarantine list`.
TEXT
