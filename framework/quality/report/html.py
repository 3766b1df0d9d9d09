"""A report as one HTML file: plots within it, light and dark, nothing from outside, readable without scripts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.quality.drift import reference_of
from framework.quality.report.plots import shift_plot, trend_plot
from framework.quality.report.tables import (
    COLUMN_HEADS,
    MASKED,
    PART_HEADS,
    column_rows,
    counted,
    formula,
    notes,
    part_rows,
    short_type,
)
from framework.quality.wording import named, told

if TYPE_CHECKING:
    from framework.quality.columns import ColumnProfile
    from framework.quality.report.document import Document

TEMPLATE = "page.html.jinja"
MOST_TRENDS = 6
MOST_SHIFTS = 6
MOST_LEARNING = 20
QUANTILES = ("min", "p01", "p05", "p25", "p50", "p75", "p95", "p99", "max")
GOOD, FAIR = 95.0, 80.0


def to_html(document: Document) -> str:
    """Render a report as one HTML file.

    Raises:
        ConfigurationError: when what draws the plots is not installed.
    """
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    unknown = document.findings("unknown")
    return environment.get_template(TEMPLATE).render(
        document=document,
        record=document.record,
        verdict=_verdict(document),
        broken=document.findings("broken"),
        held=document.findings("holds"),
        unknown=unknown[:MOST_LEARNING],
        more_unknown=max(0, len(unknown) - MOST_LEARNING),
        part_heads=PART_HEADS,
        parts=part_rows(document),
        formula=formula(document),
        trends=_trends(document),
        shifts=_shifts(document),
        column_heads=COLUMN_HEADS,
        columns=column_rows(document),
        details=[_detail(column, document) for column in document.columns],
        notes=notes(document),
    )


def _verdict(document: Document) -> tuple[str, str]:
    """A word for the score and the class of its colour: the colour never stands alone."""
    if document.score is None:
        return "not known", "fair"
    if document.score >= GOOD:
        return "good", "good"
    return ("fair", "fair") if document.score >= FAIR else ("poor", "poor")


def _trends(document: Document) -> list[tuple[str, str]]:
    """Plots of rows and score, and of what is broken; with fewer than two runs there is nothing to plot."""
    wanted = [("rows", ""), ("score", "")]
    wanted += [(f.metric, f.column) for f in document.findings("broken") if f.origin != "schema"]
    plots: list[tuple[str, str]] = []
    for metric, column in list(dict.fromkeys(wanted))[: 2 + MOST_TRENDS]:
        points = document.trend(metric, column)
        if len(points) > 1:
            title = named(metric, column)
            plots.append((title, trend_plot(points, f"{title} over {len(points)} runs")))
    return plots


def _shifts(document: Document) -> list[tuple[str, str]]:
    """Plots of the columns that moved most against the runs before."""
    moved = sorted(document.columns, key=lambda c: (-c.metrics.get("psi", -1.0), c.name))
    past = document.comparable[:-1]
    plots: list[tuple[str, str]] = []
    for column in moved[:MOST_SHIFTS]:
        reference = reference_of(column, past)
        if column.distribution is not None and reference is not None:
            title = f"{column.name}: psi {told('psi', column.metrics.get('psi'))}"
            plots.append(
                (
                    title,
                    shift_plot(column.distribution, reference, f"shares of bins of {column.name}"),
                )
            )
    return plots


def _detail(column: ColumnProfile, document: Document) -> dict[str, Any]:
    sampled = document.record.sampled
    lengths = [(name, told(name, column.metrics[name])) for name in _LENGTHS if name in column.metrics]
    quantiles = [(name, told(name, column.metrics[name])) for name in QUANTILES if name in column.metrics]
    return {
        "name": column.name,
        "type": short_type(column.dtype),
        "is_sensitive": column.is_sensitive,
        "masked": MASKED,
        "quantiles": quantiles,
        "lengths": lengths,
        "top": counted(column.top, sampled),
        "patterns": counted(column.patterns, sampled),
    }


_LENGTHS = ("length_min", "length_mean", "length_max")
