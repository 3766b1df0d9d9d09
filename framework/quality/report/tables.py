"""The tables of a report, as cells of text: the same in every form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from framework.quality.score import WEIGHTS
from framework.quality.wording import spark, told

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.quality.columns import ColumnProfile
    from framework.quality.report.document import Document

COLUMN_HEADS = ("column", "type", "null", "different", "least", "greatest", "mean", "median", "psi", "ks", "null rates")
PART_HEADS = ("part", "weight", "value")
SPARKED = 16
MASKED = "sensitive"


def part_rows(document: Document) -> list[tuple[str, ...]]:
    """The parts of the score with their weights; those that are not known have none."""
    return [
        (name, f"{weight:.2f}", told(name, document.parts[name]))
        if name in document.parts
        else (name, "-", "not known")
        for name, weight in WEIGHTS.items()
    ]


def formula(document: Document) -> str:
    """The score with its numbers, to be computed again by hand."""
    if document.score is None:
        return "no part is known"
    terms = " + ".join(f"{WEIGHTS[name]:.2f} x {part:.4f}" for name, part in document.parts.items())
    weight = sum(WEIGHTS[name] for name in document.parts)
    return f"100 x ({terms}) / {weight:.2f} = {document.score}"


def column_rows(document: Document) -> list[tuple[str, ...]]:
    """One row per column. Where the profile rests on a sample, what is approximate says so with `~`."""
    about = "~" if document.record.sampled < document.record.rows else ""
    return [_column(column, document, about) for column in document.columns]


def _column(column: ColumnProfile, document: Document, about: str) -> tuple[str, ...]:
    def value(metric: str, sign: str = "") -> str:
        found = column.metrics.get(metric)
        return f"{sign}{told(metric, found)}" if found is not None else "-"

    hidden = MASKED if column.is_sensitive else "-"
    trend = [record.value("null_rate", column.name) for record in document.comparable[-SPARKED:]]
    return (
        column.name,
        short_type(column.dtype),
        value("null_rate"),
        value("n_unique", about),
        column.low or hidden,
        column.high or hidden,
        value("mean") if not column.is_sensitive else hidden,
        value("p50", about) if not column.is_sensitive else hidden,
        value("psi", about),
        value("ks", about),
        spark(trend) if len(trend) > 1 else "",
    )


def short_type(dtype: str) -> str:
    """A type in few characters.

    >>> short_type("Datetime(time_unit='us', time_zone='UTC')"), short_type("Decimal(precision=18, scale=2)")
    ('Datetime(us, UTC)', 'Decimal(18, 2)')
    """
    head, _, rest = dtype.partition("(")
    if head not in {"Datetime", "Decimal", "Duration"}:
        return dtype
    values = (part.partition("=")[2].strip("'") for part in rest.rstrip(")").split(", "))
    return f"{head}({', '.join(value for value in values if value != 'None')})"


def counted(pairs: Sequence[tuple[str, int]], sampled: int) -> list[tuple[str, str]]:
    """Frequent values or patterns, each with its share of the sample."""
    return [(value, told("null_rate", round(count / sampled, 4) if sampled else 0.0)) for value, count in pairs]


def notes(document: Document) -> list[str]:
    """What a reader has to know of how the numbers came about."""
    record = document.record
    what = "all of the table" if record.scope == "whole" else "what the run staged: rows that are new or computed again"
    lines = [f"The profile is of {what}; runs of the same kind are its history."]
    if record.sampled < record.rows:
        lines.append(
            f"Nulls, least, greatest and mean are of all {record.rows:,} rows. What is marked ~ is approximate: numbers"
            " of different values above 16,384 have a standard error of 0.8%; quantiles, distances and frequent values"
            f" are of a random sample of {record.sampled:,} rows."
        )
    else:
        lines.append("All rows were looked at: nothing is approximate but psi and ks, which compare bins.")
    if any(column.is_sensitive for column in document.columns):
        lines.append("Of columns marked sensitive no value is kept, only rates.")
    return lines
