"""The plots of a report as SVG within the page: colours that stand on light and dark, nothing from outside.

They are Vega-Lite specifications, written as such: to import altair would take longer than to draw them.
"""

from __future__ import annotations

import re
from html import escape
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from framework.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.quality.distribution import Distribution

WIDTH = 640
HEIGHT = 130
VALUE, BAND, BROKEN, BEFORE = "#3b82c4", "#8aa4bd", "#d9480f", "#8a8f98"
TEXT = "currentColor"
WIDEST_LABEL = 24
STYLE = {
    "axis": {"labelColor": TEXT, "titleColor": TEXT, "gridOpacity": 0.2, "gridColor": BEFORE, "domainColor": BEFORE},
    "legend": {"labelColor": TEXT, "title": None, "orient": "top"},
    "view": {"stroke": None},
}


def trend_plot(points: Sequence[dict[str, Any]], title: str) -> str:
    """Plot a metric over runs with the band that held in each; runs that broke it are marked by shape and colour."""
    rows = [{**point, "run": "broken" if point["is_broken"] else "holds", "least": _least(point)} for point in points]
    at = {"field": "at", "type": "temporal", "title": None}
    value = {"field": "value", "type": "quantitative", "title": None, "scale": {"zero": False}}
    band = {
        "mark": {"type": "area", "color": BAND, "opacity": 0.3},
        "encoding": {"x": at, "y": {**value, "field": "least"}, "y2": {"field": "high"}},
    }
    line = {"mark": {"type": "line", "color": VALUE, "strokeWidth": 1.5}, "encoding": {"x": at, "y": value}}
    marks = {
        "mark": {"type": "point", "filled": True, "opacity": 1},
        "encoding": {
            "x": at,
            "y": value,
            "color": _by_run(VALUE, BROKEN),
            "shape": _by_run("circle", "triangle"),
            "size": _by_run(12, 90),
        },
    }
    has_band = any(point["high"] is not None for point in points)
    return _svg({"data": {"values": rows}, "layer": [*([band] if has_band else []), line, marks]}, title)


def _by_run(holds: Any, broken: Any) -> dict[str, Any]:
    """How runs that hold and runs that do not are told apart."""
    scale = {"domain": ["holds", "broken"], "range": [holds, broken]}
    return {"field": "run", "type": "nominal", "scale": scale, "legend": None}


def _least(point: dict[str, Any]) -> float | None:
    """The lower end of a band as it is drawn; one without a lower bound starts at zero."""
    return point["low"] if point["low"] is not None or point["high"] is None else 0.0


def shift_plot(distribution: Distribution, reference: Sequence[int], title: str) -> str:
    """Plot the shares of bins in a run beside those of the runs before."""
    sides = {"runs before": reference, "this run": distribution.counts}
    rows = [
        {"bin": label, "share": counts[order] / (sum(counts) or 1), "of": side, "order": order}
        for side, counts in sides.items()
        for order, label in enumerate(bin_labels(distribution))
        if reference[order] or distribution.counts[order]
    ]
    scale = {"domain": list(sides), "range": [BEFORE, VALUE]}
    label_axis = {"labelAngle": -40}
    encoding = {
        "x": {"field": "bin", "type": "nominal", "title": None, "sort": {"field": "order"}, "axis": label_axis},
        "xOffset": {"field": "of", "sort": list(sides)},
        "y": {"field": "share", "type": "quantitative", "title": None, "axis": {"format": "%"}},
        "color": {"field": "of", "type": "nominal", "scale": scale},
    }
    return _svg({"data": {"values": rows}, "mark": "bar", "encoding": encoding}, title)


def bin_labels(distribution: Distribution) -> list[str]:
    """Name the bins of a distribution.

    >>> from framework.quality.distribution import Distribution
    >>> bin_labels(Distribution((0, 1, 0), edges=(1.0, 2.5)))
    ['below 1', '1 to 2.5', 'from 2.5']
    """
    if not distribution.edges:
        return [*(value[:WIDEST_LABEL] for value in distribution.values), "(others)"]
    texts = [f"{edge:.5g}" for edge in distribution.edges]
    inner = [f"{low} to {high}" for low, high in pairwise(texts)]
    return [f"below {texts[0]}", *inner, f"from {texts[-1]}"]


def _svg(chart: dict[str, Any], title: str) -> str:
    """Draw a chart as SVG that says what it shows and refers to nothing outside. It has no ids that could clash."""
    try:
        from vl_convert import vegalite_to_svg
    except ImportError as error:
        fix = "install the extra 'report', or ask for --format md or json"
        text = f"the plots of an HTML report need vl-convert-python, which is not installed; {fix}"
        raise ConfigurationError(text) from error
    drawn = vegalite_to_svg({**chart, "width": WIDTH, "height": HEIGHT, "background": "transparent", "config": STYLE})
    plain = re.sub(r'\sxmlns(:xlink)?="[^"]*"', "", drawn)
    return plain.replace("<svg ", f'<svg role="img" aria-label="{escape(title)}" ', 1)
