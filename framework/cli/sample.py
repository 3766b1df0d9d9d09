"""`sluice sample`: generated input for a domain's pipelines."""

from __future__ import annotations

import importlib
import re
import sys
from datetime import date  # noqa: TC003 - the command line reads the annotation
from pathlib import Path
from typing import TYPE_CHECKING, Any

from framework.cli.options import Exit, current, settings
from framework.cli.output import hint, show
from framework.errors import ConfigurationError, SelectionError, did_you_mean

if TYPE_CHECKING:
    from types import ModuleType

    from framework.settings import Settings


def sample(
    domain: str,
    *,
    out: str | None = None,
    seed: int | None = None,
    days: int | None = None,
    rows: int | None = None,
    start: date | None = None,
    deliver: str | None = None,
) -> int:
    """Generate input for a domain's pipelines: same arguments, same bytes.

    Args:
        domain: Whose input, such as `retail`.
        out: The folder to write into. Default: the raw folder of the settings.
        seed: Start of all random numbers.
        days: Length of the period.
        rows: About how many rows in the whole period.
        start: The first day.
        deliver: Write the files of these days only, such as `1-21`.
    """
    here = settings()
    module = _sampler(here, domain)
    place = out if out is not None else here.path(here.raw)
    if "://" in place:
        raise ConfigurationError(f"samples are written to local folders, not to {place}; use --out")
    folder = Path(place)
    given: dict[str, Any] = {"seed": seed, "days": days, "rows": rows, "start": start, "deliver": _days(deliver)}
    try:
        summary = module.generate(folder, **{name: value for name, value in given.items() if value is not None})
    except ValueError as error:
        raise ConfigurationError(str(error)) from error
    show({"out": str(folder), "domain": domain}, lambda: str(summary.render()).splitlines())
    hint(f"next: sluice run {domain}")
    return Exit.OK


def _days(deliver: str | None) -> tuple[int, int] | None:
    if deliver is None:
        return None
    found = re.fullmatch(r"(\d+)-(\d+)", deliver)
    if found is None:
        raise ConfigurationError(f"--deliver {deliver}: expected first-last, such as 1-21")
    return int(found[1]), int(found[2])


def _sampler(here: Settings, domain: str) -> ModuleType:
    """The module that generates a domain's input.

    Raises:
        SelectionError: when the project has none by that name.
    """
    folder = str(current().project.absolute())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    known = _samplers(here)
    if domain not in known:
        hint_text = did_you_mean(domain, known) or "no domain of this project has one"
        raise SelectionError(f"no sample for '{domain}': there is no {here.packages[0]}/{domain}/sample; {hint_text}")
    return importlib.import_module(known[domain])


def _samplers(here: Settings) -> dict[str, str]:
    """Domain to module, found by files, so that nothing else is imported."""
    root = current().project.absolute()
    found = {}
    for package in here.packages:
        folder = root.joinpath(*package.split("."))
        for place in (*folder.glob("*/sample.py"), *folder.glob("*/sample/__init__.py")):
            domain = place.relative_to(folder).parts[0]
            found[domain] = f"{package}.{domain}.sample"
    return found
