"""What the code of a pipeline comes to, node by node, and whether it looks at the clock."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.clock import at_run_time
from framework.core.fallback import LastKnown
from framework.core.source import FileSource
from framework.run.compiled import contracts, empty_inputs, expression_text, wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.definition import Pipeline

MOMENTS = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2011, 11, 11, 11, 11, 11, tzinfo=UTC))
ADDRESS = re.compile(r"0x[0-9a-f]+")


def node_fingerprints(pipeline: Pipeline, parameters: Mapping[str, Any] | None = None) -> dict[str, str]:
    """Hash what each source and step comes to: its plan over empty inputs, and its rules."""
    texts = _texts(pipeline, parameters or {}, MOMENTS[0])
    return {node: hashlib.sha256(text.encode()).hexdigest()[:16] for node, text in texts.items()}


def time_bound(pipeline: Pipeline, parameters: Mapping[str, Any]) -> set[str]:
    """The sources and steps whose plan or rules say something else at another time: they ask `run_time()`."""
    one, other = (_texts(pipeline, parameters, moment) for moment in MOMENTS)
    asked = {name for name, source in pipeline.file_sources.items() if _asks_for_age(source)}
    return asked | {node for node, text in one.items() if text != other[node]}


def _asks_for_age(source: FileSource) -> bool:
    """Whether a source asks tables for what they know now."""
    return any(isinstance(one, LastKnown) for chosen in source.fallback.values() for one in chosen)


def _texts(pipeline: Pipeline, parameters: Mapping[str, Any], moment: datetime) -> dict[str, str]:
    with at_run_time(moment):
        known = contracts(pipeline)
        frames = wire(pipeline, empty_inputs(pipeline, known), parameters, known)
    found = {}
    for node in {*frames, *known}:
        rules = known[node].rules if node in known else ()
        over_all = known[node].dataset_rules if node in known else ()
        told = [_shown(frames[node]) if node in frames else ""]
        told += [f"{rule.reason} {rule.severity} {expression_text(rule.holds)}" for rule in rules]
        told += [f"{one.reason} {one.severity} {one.expression}" for one in over_all]
        if node in pipeline.sources and node in known:
            told.append(repr((list(known[node].columns.values()), known[node].is_strict, known[node].is_filter)))
        found[node] = ADDRESS.sub("", "\n".join(told))
    return found


def _shown(frame: pl.LazyFrame) -> str:
    try:
        return frame.serialize().hex()
    except pl.exceptions.ComputeError:  # Python functions cannot be serialized
        return frame.explain(optimized=False)
