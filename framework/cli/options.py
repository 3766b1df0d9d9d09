"""The flags that every command takes, in any position, and the exit codes."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from framework.settings import Settings


class Exit(IntEnum):
    """What the exit code says."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CHANGES = 3
    NO_MATCH = 4
    UNREACHABLE = 6
    BUG = 70
    INTERRUPTED = 130
    TERMINATED = 143


@dataclass(frozen=True)
class Options:
    """The global flags of one call."""

    project: Path = Path()
    json: bool = False
    quiet: bool = False
    verbose: int = 0
    color: bool = True
    log_format: Literal["auto", "text", "json"] | None = None
    debug: bool = False


_options: ContextVar[Options] = ContextVar("sluice_options", default=Options())  # noqa: B039 - frozen


def current() -> Options:
    """The flags of this call."""
    return _options.get()


def choose(options: Options) -> None:
    """Set the flags of this call."""
    _options.set(options)


def settings() -> Settings:
    """The project's settings.

    Raises:
        ConfigurationError: when they cannot be used.
    """
    from framework.settings import load_settings

    return load_settings(current().project)
