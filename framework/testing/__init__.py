"""Tools for authors of pipelines: messy sample input with a key, and frames made from schemas for tests.

Names are loaded on first use: a generator of samples needs neither Polars nor hypothesis.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framework.testing.breaking import BrokenRows, broken
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
    "adversarial",
    "broken",
    "deliver_sample",
    "frames",
    "related",
]

_HOMES = {
    "BrokenRows": "breaking",
    "adversarial": "strategies",
    "broken": "breaking",
    "frames": "strategies",
    "related": "ties",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, 'samples')}"), name)


def __dir__() -> list[str]:
    return __all__
