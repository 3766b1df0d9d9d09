"""Public collections of hostile and odd files, which lie beside the checkout or where `SLUICE_CORPORA` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.corpora.golden import CORPORA

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def corpus() -> Callable[[str], Path]:
    """Find a corpus by name; the test is skipped where it is not."""

    def find(name: str) -> Path:
        if not (CORPORA / name).is_dir():
            pytest.skip(f"no {name} in {CORPORA}: set SLUICE_CORPORA to the folder of the corpora")
        return CORPORA / name

    return find
