"""The classes of failures, which runs use as well, under the name by which supervisor and commands know them."""

from __future__ import annotations

from framework.core.failures import classify, traceback_of

__all__ = ["classify", "traceback_of"]
