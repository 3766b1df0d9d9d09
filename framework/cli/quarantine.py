"""`sluice quarantine`: what was not accepted, and why. The commands that change something are in `quarantine_work`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from framework.cli.frames import parsed_raw
from framework.cli.options import Exit
from framework.cli.output import columns, hint, plural, show
from framework.cli.quarantine_desk import EVERY, Which, desk, held, lake
from framework.cli.quarantine_work import (
    quarantine_discard,
    quarantine_export,
    quarantine_mend,
    quarantine_prune,
    quarantine_replay,
)
from framework.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from framework.storage import StorageLocation

__all__ = [
    "quarantine_discard",
    "quarantine_export",
    "quarantine_list",
    "quarantine_mend",
    "quarantine_prune",
    "quarantine_replay",
    "quarantine_show",
]


def quarantine_list(
    pipeline: str | None = None,
    *,
    by_run: Annotated[bool, Parameter(negative="")] = False,
    co_occurrence: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Count what is in quarantine by source, state and reason. A row counts once for each of its reasons.

    The share is of the rows that came in with the runs which quarantined them.

    Args:
        pipeline: One pipeline, or a domain such as `retail`. Default: all.
        by_run: Count what each run quarantined instead, newest run first.
        co_occurrence: Count the pairs of reasons that the same rows carry instead.
    """
    from framework.lake import quarantine

    if by_run and co_occurrence:
        raise ConfigurationError("--by-run and --co-occurrence are two views, choose one")
    place = lake()
    names: tuple[str, ...] = ("pipeline", "source", "state", "rows", "share", "files", "reason")
    count: Callable[[StorageLocation, str], list[dict[str, Any]]] = quarantine.summarise
    if by_run:
        names = ("pipeline", "seq", "run_id", "source", "rows", "rows_in", "share", "reason")
        count = quarantine.by_run
    elif co_occurrence:
        names = ("pipeline", "source", "rows", "first", "of_first", "second", "of_second")
        count = quarantine.co_occurrence
    counted = [row for name in held(pipeline) for row in count(place, name)]
    empty = "no row carries two reasons" if co_occurrence else "nothing is in quarantine"
    show({"quarantine": counted}, lambda: columns([_with_percent(row) for row in counted], names, empty=empty))
    if counted:
        hint(f"next: sluice quarantine show {counted[0]['pipeline']}")
    return Exit.OK


def _with_percent(row: Mapping[str, Any]) -> dict[str, Any]:
    """A count with its share as people read it; small ones keep two digits that say something."""
    share = row.get("share")
    return {**row, "share": None if share is None else f"{100 * share:.3g}%"}


def quarantine_show(
    pipeline: str,
    *,
    which: Which = EVERY,
    limit: int = 20,
    reveal: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Show quarantined rows: id, reasons, values as read and as mended, file and line. Sensitive values are masked.

    Args:
        pipeline: The pipeline, such as `retail.sales`.
        which: Which rows.
        limit: How many rows.
        reveal: Show values of sensitive columns as they were read.
    """
    from framework.lake.quarantine import rows
    from framework.run.quarantine.masking import mask_row

    wanted = which.selection()
    at = desk(pipeline, is_changed=False)
    kept = rows(at.space.lake, at.name, wanted, limit=limit)
    found = [_parsed(one) for one in kept.to_dicts()]
    if not reveal:
        found = [mask_row(one, at.known) for one in found]
    show({"pipeline": at.name, "rows": found}, lambda: _lines(found))
    return Exit.OK


def _parsed(row: dict[str, Any]) -> dict[str, Any]:
    """A row with what is JSON in it as objects."""
    mended = json.loads(row["mended"]) if row["mended"] else None
    return {**parsed_raw(row), "mended": mended, "trail": [json.loads(entry) for entry in row["trail"]]}


def _lines(rows: Sequence[dict[str, Any]]) -> Iterator[str]:
    if not rows:
        yield "no such rows"
    for row in rows:
        where = row["file"] + (f":{row['line']}" if row["line"] is not None else "")
        again = f", judged again {row['attempts']} times" if row["attempts"] > 1 else ""
        again = ", judged again" if row["attempts"] == 1 else again
        yield f"{where}  {row['source']}, {row['state']}, run {row['run_id']}, {row['id']}{again}"
        for reason in row["reasons"]:
            yield f"    {reason}"
        yield from _values(row)
        for entry in row["trail"]:
            yield f"    {entry['at'][:19].replace('T', ' ')} {entry['did']} by {entry['by']}"
    if rows:
        yield plural(len(rows), "row")


def _values(row: Mapping[str, Any]) -> Iterator[str]:
    raw, mended = row["raw"], row["mended"]
    if isinstance(raw, dict):
        yield "    " + ", ".join(f"{name}={value!r}" for name, value in raw.items())
    elif raw:
        yield f"    {raw}"
    if isinstance(mended, dict):
        read = raw if isinstance(raw, dict) else {}
        new = {name: value for name, value in mended.items() if name not in read or read[name] != value}
        yield "    mended: " + (", ".join(f"{name}={value!r}" for name, value in new.items()) or "masked values")
    elif mended:
        yield f"    mended: {mended}"
