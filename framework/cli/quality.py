"""`sluice quality`: reports on what runs staged, their history, comparisons, and bands that are pinned."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path  # noqa: TC003 - read at run time by the command line
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from framework.cli.options import Exit, current, settings
from framework.cli.output import columns, hint, show
from framework.cli.trail import noted
from framework.errors import AuthorError, ConfigurationError, SelectionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.quality.report import Document
    from framework.run.quality.views import Subject
    from framework.storage import StorageLocation

Format = Literal["html", "json", "md"]
ENDINGS: dict[str, Format] = {".html": "html", ".htm": "html", ".json": "json", ".md": "md"}
SPARKED = 40


def quality_report(
    table: str,
    *,
    run: str | None = None,
    version: int | None = None,
    format: Format | None = None,  # noqa: A002 - the name of the flag
    out: Path | None = None,
) -> int:
    """Report on the quality of what a run staged for a table: score, findings with their evidence, profile, history.

    Args:
        table: The table, such as `retail/daily_sales`.
        run: The run, by the start of its id. Default: the newest.
        version: The run that made this version of the table.
        format: `html` (one file with plots), `json` or `md`. Default: what the name of the file says, or else `md`.
        out: The file to write. Default: standard output.
    """
    from framework.run.quality.views import open_report

    if run is not None and version is not None:
        raise ConfigurationError("--run and --version both say which run; give one of them")
    document = open_report(_subject(table), run=run, version=version)
    chosen = format or (ENDINGS.get(out.suffix.lower()) if out else None) or ("json" if current().json else "md")
    text = _rendered(document, chosen)
    if out is None:
        print(text, end="")
        return Exit.OK
    _write(out, text)
    facts = {"table": table, "out": str(out), "format": chosen, "bytes": len(text.encode()), "score": document.score}
    show(facts, lambda: [f"{out}: quality of {table}, run {document.record.run.run_id}"])
    return Exit.OK


def _rendered(document: Document, chosen: Format) -> str:
    if chosen == "html":
        from framework.quality.report.html import to_html

        return to_html(document)
    if chosen == "json":
        return json.dumps(document.to_dict(), ensure_ascii=False, indent=1, default=str) + "\n"
    from framework.quality.report import to_markdown

    return to_markdown(document)


def _write(out: Path, text: str) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--out {out} cannot be written: {error.strerror or error}") from error


def quality_history(table: str, *, metric: str = "score", column: str = "", limit: int = 20) -> int:
    """List what was recorded of a table, run by run, newest first, with a line of bars over them.

    Args:
        table: The table, such as `retail/daily_sales`.
        metric: What to list, such as `rows`, `score`, or with a column `null_rate`, `mean`, `psi`.
        column: The column that the metric is of.
        limit: How many runs.
    """
    from framework.quality.wording import named, spark
    from framework.run.quality.views import records_of

    pipeline, records = records_of(_subject(table))
    _require_metric(metric, column, list(records[-1].columns))
    rows: list[dict[str, Any]] = []
    for record in records[-limit:]:
        held = record.held(metric, column)
        rows.append(
            {
                "run": record.run.run_id,
                "at": record.run.at,
                "scope": record.scope,
                "rows": record.rows,
                "value": record.value(metric, column),
                "low": held.low if held else None,
                "high": held.high if held else None,
                "state": held.state if held else None,
                "broken": sum(f.state == "broken" for f in record.findings),
            }
        )
    values = [record.value(metric, column) for record in records[-SPARKED:]]

    def lines() -> Iterator[str]:
        told_rows = [_told_values(metric, row) for row in reversed(rows)]
        names = ("run", "at", "scope", "rows", "value", "low", "high", "state", "broken")
        yield from columns(told_rows, names, empty="no runs")
        yield f"{named(metric, column)}, oldest to newest: {spark(values)}"

    show({"table": table, "pipeline": pipeline, "metric": metric, "column": column, "runs": rows[::-1]}, lines)
    hint(f"next: sluice quality report {table}")
    return Exit.OK


def _told_values(metric: str, row: dict[str, Any]) -> dict[str, Any]:
    from framework.quality.wording import told

    return {name: told(metric, value) if name in {"value", "low", "high"} else value for name, value in row.items()}


def _require_metric(metric: str, column: str, names: Sequence[str]) -> None:
    from framework.core.quality import COLUMN_METRICS
    from framework.quality.history import METRICS

    if metric not in METRICS:
        raise SelectionError(f"'{metric}' is no metric; {did_you_mean(metric, METRICS)}")
    if metric in COLUMN_METRICS and not column:
        raise ConfigurationError(f"{metric} is of a column; name it with --column: {', '.join(names)}")
    if metric not in COLUMN_METRICS and column:
        raise ConfigurationError(f"{metric} is of the table as a whole; leave --column out")
    if column and column not in names:
        raise SelectionError(f"there is no column '{column}' in the history; {did_you_mean(column, names)}")


def quality_profile(table: str, *, version: int | None = None, column: tuple[str, ...] = ()) -> int:
    """Profile all rows of a table now. Nothing is recorded; values of sensitive columns are not shown.

    Args:
        table: The table, such as `retail/daily_sales`.
        version: At an earlier version (default: the newest).
        column: Only this column; can be repeated.
    """
    from framework.quality.report.tables import COLUMN_HEADS, column_rows, notes
    from framework.run.quality.views import profile_table

    document = profile_table(_subject(table), version=version, columns=column)

    def lines() -> Iterator[str]:
        heads = [head for head in COLUMN_HEADS if head not in {"psi", "ks", "null rates"}]
        rows = [dict(zip(COLUMN_HEADS, row, strict=True)) for row in column_rows(document)]
        at = document.facts["version"]
        yield f"{table}: version {at}, {document.record.rows:,} rows" + _duplicates(document)
        yield from columns(rows, heads, empty="no columns")
        yield from notes(document)[1:]

    facts = {"table": table, "rows": document.record.rows, "sampled": document.record.sampled}
    profiled = [asdict(found) for found in document.columns]
    show({**facts, "table_now": document.facts, "metrics": document.record.metrics, "columns": profiled}, lines)
    return Exit.OK


def _duplicates(document: Document) -> str:
    from framework.quality.wording import told

    rate = document.record.metrics.get("duplicate_rate")
    return "" if rate is None else f", {told('duplicate_rate', rate)} with a key that another row has too"


COMPARED = ("null_rate", "n_unique", "mean", "p50", "min", "max")


def quality_compare(table: str, a: str, b: str | None = None) -> int:
    """Compare two versions of a table, or two tables: types, nulls, values, and how far distributions have moved.

    Args:
        table: The table, such as `retail/daily_sales`.
        a: A version of it, or with no second one another table.
        b: Another version of it.
    """
    from framework.quality.drift import schema_changes
    from framework.run.quality.views import profile_table

    first, then = _sides(table, a, b)
    before = profile_table(_subject(first[0]), version=first[1])
    after = profile_table(_subject(then[0]), version=then[1], before=before)
    old, new = before.record.columns, after.record.columns
    changes = [change.text for change in schema_changes(after.record.types, before.record.types)]
    rows = []
    for name in (n for n in new if n in old):
        pairs = {m: (old[name].metrics.get(m), new[name].metrics.get(m)) for m in COMPARED}
        distances = {m: new[name].metrics.get(m) for m in ("psi", "ks")}
        rows.append({"column": name, **pairs, **distances})

    def lines() -> Iterator[str]:
        yield f"{_side(before)} -> {_side(after)}"
        yield from (f"  {change}" for change in changes)
        told_rows = [_told_pairs(row) for row in rows]
        yield from columns(told_rows, ("column", *COMPARED, "psi", "ks"), empty="no column is in both")
        yield "psi: below 0.1 little has shifted, to 0.25 some, above it much; ks: the largest distance of the shares"

    sides = {"before": {"table": before.table, **before.facts}, "after": {"table": after.table, **after.facts}}
    named_rows = [
        {k: ({"before": v[0], "after": v[1]} if isinstance(v, tuple) else v) for k, v in r.items()} for r in rows
    ]
    show({**sides, "schema": changes, "columns": named_rows}, lines)
    return Exit.OK


def _sides(table: str, a: str, b: str | None) -> tuple[tuple[str, int | None], tuple[str, int | None]]:
    if b is None and not a.isdigit():
        return (table, None), (a, None)
    if b is None:
        return (table, int(a)), (table, None)
    if not (a.isdigit() and b.isdigit()):
        raise ConfigurationError(f"{a} {b}: expected two versions of {table} by number, or the name of another table")
    return (table, int(a)), (table, int(b))


def _side(document: Document) -> str:
    return f"{document.table} version {document.facts['version']} ({document.record.rows:,} rows)"


def _told_pairs(row: dict[str, Any]) -> dict[str, Any]:
    from framework.quality.wording import told

    def pair(metric: str, values: Any) -> str:
        if not isinstance(values, tuple):
            return told(metric, values)
        old, new = (told(metric, value) for value in values)
        return old if old == new else f"{old} -> {new}"

    return {name: value if name == "column" else pair(name, value) for name, value in row.items()}


def quality_pin(
    table: str,
    metric: str | None = None,
    *,
    column: str = "",
    at_least: str | None = None,
    at_most: str | None = None,
    severity: Literal["warn", "fail"] = "warn",
    remove: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Pin the band of a metric in place of what is learned, or list what is pinned.

    Args:
        table: The table, such as `retail/daily_sales`.
        metric: What to pin, such as `rows` or, with a column, `null_rate`. Without it: list the pins.
        column: The column that the metric is of.
        at_least: The least value; a share can be written `1%`.
        at_most: The greatest value.
        severity: `warn`, or `fail` runs outside the band before they publish.
        remove: Take the pin away: what is usual is learned again.
    """
    from framework.core.quality import expect
    from framework.lake.tables import require_table
    from framework.quality.pins import read_pins, with_pin, without_pin, write_pins
    from framework.run.quality.views import checked_pin

    lake = _lake()
    require_table(lake, table)
    pins = read_pins(lake, table)
    if metric is not None and remove:
        if all(pin.key != (metric, column) for pin in pins):
            raise SelectionError(f"nothing of {metric}{f' of {column}' * bool(column)} is pinned for {table}")
        gone = next(pin for pin in pins if pin.key == (metric, column))
        pins = without_pin(pins, metric, column)
        write_pins(lake, table, pins)
        noted("quality.unpinned", table, before=gone.to_dict())
    elif metric is not None:
        low, high = _number("--at-least", at_least), _number("--at-most", at_most)
        pin = expect(metric, column, at_least=low, at_most=high, severity=severity)
        before = next((known.to_dict() for known in pins if known.key == pin.key), None)
        pins = with_pin(pins, checked_pin(lake, table, pin))
        write_pins(lake, table, pins)
        noted("quality.pinned", table, before=before, after=pin.to_dict())
    documents = [pin.to_dict() for pin in pins]
    names = ("metric", "column", "low", "high", "severity")
    show({"table": table, "pins": documents}, lambda: columns(documents, names, empty=f"nothing is pinned for {table}"))
    return Exit.OK


def _number(flag: str, given: str | None) -> float | str | None:
    """A bound as it was typed: a number, or a share."""
    if given is None or given.strip().endswith("%"):
        return given
    try:
        return float(given)
    except ValueError as error:
        raise ConfigurationError(f"{flag} {given}: expected a number, or a share such as 1%") from error


def _subject(table: str) -> Subject:
    """A table with what the definitions say of it. Broken definitions must not stand between people and their data."""
    from framework.definition.load import load_pipelines
    from framework.run.quality.views import subject_of

    try:
        found = load_pipelines(settings())
    except (AuthorError, ConfigurationError) as error:
        hint(f"values are not shown, as the definitions that say which are sensitive cannot be read: {error}")
        found = {}
    return subject_of(_lake(), table, found)


def _lake() -> StorageLocation:
    from framework.run.workspace import open_workspace

    return open_workspace(settings()).lake
