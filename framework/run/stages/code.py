"""Which sources and steps look at the clock, so that their rows are not the same at another time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from framework.core.fallback import LastKnown
from framework.run.fingerprints import node_fingerprints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.definition import Pipeline

LATER = datetime(2011, 11, 11, 11, 11, 11, tzinfo=UTC)


def time_bound(pipeline: Pipeline, parameters: Mapping[str, Any], code: Mapping[str, str]) -> set[str]:
    """The sources and steps that ask for `run_time()`: by their plan and rules, or as they ask tables for their age.

    `code`: their fingerprints.
    """
    later = node_fingerprints(pipeline, parameters, LATER)
    every = {
        name: (one for chosen in s.fallback.values() for one in chosen) for name, s in pipeline.file_sources.items()
    }
    asking = {name for name, found in every.items() if any(isinstance(one, LastKnown) for one in found)}
    return asking | {node for node, fingerprint in code.items() if fingerprint != later[node]}
