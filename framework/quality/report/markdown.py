"""A report as Markdown, for terminals, merge requests and chats."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.quality.report.tables import COLUMN_HEADS, PART_HEADS, column_rows, formula, notes, part_rows
from framework.quality.wording import spark

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from framework.quality.report.document import Document

MOST_LEARNING = 5


def to_markdown(document: Document) -> str:
    """Render a report as Markdown."""
    return "\n".join(_lines(document)) + "\n"


def _lines(document: Document) -> Iterator[str]:
    record = document.record
    score = "no score" if document.score is None else f"score {document.score}"
    yield f"# Quality of {document.table}: {score}"
    yield ""
    run = record.run
    yield f"Run {run.run_id} of {document.pipeline}, sequence {run.seq}, {run.at:%Y-%m-%d %H:%M} UTC:"
    yield f"{record.rows:,} rows staged ({record.scope})."
    facts = document.facts
    if facts:
        yield f"The table is at version {facts['version']} with {facts['rows']:,} rows, changed {facts['updated_at']}."
    yield from _findings(document)
    yield from _section("Score", _table(PART_HEADS, part_rows(document)))
    yield ""
    yield f"`{formula(document)}`"
    trends = [(name, [point["value"] for point in document.trend(name)]) for name in ("rows", "score")]
    shown = [f"{name} `{spark(values)}`" for name, values in trends if len(values) > 1]
    if shown:
        yield from _section(f"Last {len(document.comparable)} runs", shown)
    yield from _section("Columns", _table(COLUMN_HEADS, column_rows(document)))
    yield ""
    yield from notes(document)


def _findings(document: Document) -> Iterator[str]:
    broken, unknown = document.findings("broken"), document.findings("unknown")
    held = len(document.findings("holds"))
    lines = [f"- **{finding.severity}**: {escape(finding.text)}" for finding in broken] or ["Nothing."]
    lines += ["", f"{held} {'check holds' if held == 1 else 'checks hold'}."]
    if unknown:
        lines[-1] += f" {len(unknown)} cannot be held yet:"
        lines += [f"- {escape(finding.text)}" for finding in unknown[:MOST_LEARNING]]
        lines += [f"- and {len(unknown) - MOST_LEARNING} more"] if len(unknown) > MOST_LEARNING else []
    yield from _section("What does not hold", lines)


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "", *lines)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [heads, ["---"] * len(heads), *([escape(cell) for cell in row] for row in rows)]
    return [f"| {' | '.join(line)} |" for line in lines]


def escape(text: str) -> str:
    r"""A text within a table cell.

    >>> escape("a|b")
    'a\\|b'
    """
    return text.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")
