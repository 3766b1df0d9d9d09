#!/bin/sh
# The retail pipelines on four weeks of generated data: three weeks are delivered and run, then the fourth arrives.
# Run it as `make demo`. It starts clean: data/raw, data/lake and data/ledger.db are replaced.
set -eu
cd "$(dirname "$0")/../.."

export SLUICE_RAW=data/raw
export SLUICE_LAKE=data/lake
export SLUICE_LEDGER=sqlite:///data/ledger.db
export SLUICE_LOGS=data/logs

say() { printf '\n== %s\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }

rm -rf data/raw data/lake
rm -f data/ledger.db data/ledger.db-wal data/ledger.db-shm
mkdir -p data

say "Days 1 to 21 are delivered and run"
show sluice sample retail --out data/raw --days 28 --rows 20000 --deliver 1-21
show sluice run retail

say "A week later: days 22 to 28 arrive, and only they are read"
show sluice sample retail --out data/raw --days 28 --rows 20000 --deliver 22-28
show sluice run retail

say "What stands in the lake, and what was held back"
show sluice table list
show sluice quarantine list

cat <<'TEXT'

== Where to look next
  data/raw               the files as they were delivered
  data/lake              the Delta tables, and below _sluice the plan of every run
  data/ledger.db         the run history (an index: it can be rebuilt from the lake)
  pipelines/retail       the pipelines that just ran
  schemas/retail.py      the rules that sent rows to the quarantine
To try the commands on this data: `. .venv/bin/activate`, then `sluice --help`.
TEXT
