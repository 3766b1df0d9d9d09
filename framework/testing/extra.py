"""Hypothesis, which is an extra: imported here, so that whoever lacks it is told what to install."""

from __future__ import annotations

from framework.errors import ConfigurationError

try:
    from hypothesis import strategies as st
except ImportError as error:
    text = 'frames from schemas need the library hypothesis; install it: pip install "sluice[testing]"'
    raise ConfigurationError(text) from error

__all__ = ["st"]
