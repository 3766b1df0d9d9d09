"""Tools for authors of pipelines: messy sample input with a key, frames made from schemas, rules on their examples.

Names are loaded on first use: a generator of samples needs neither Polars nor hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.testing.breaking import BrokenRows, broken
    from framework.testing.rules import TriedRule, try_rules
    from framework.testing.samples import Delivered, Mark, Note, SampleRequest, SourceTotal, Summary, deliver_sample
    from framework.testing.strategies import adversarial, frames
    from framework.testing.ties import related

__all__ = [
    "BrokenRows",
    "Delivered",
    "Mark",
    "Note",
    "SampleRequest",
    "SourceTotal",
    "Summary",
    "TriedRule",
    "adversarial",
    "broken",
    "deliver_sample",
    "frames",
    "related",
    "try_rules",
]

_HOMES = {
    "BrokenRows": "breaking",
    "TriedRule": "rules",
    "adversarial": "strategies",
    "broken": "breaking",
    "frames": "strategies",
    "related": "ties",
    "try_rules": "rules",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'samples')}"), name)


def __dir__() -> list[str]:
    return __all__
