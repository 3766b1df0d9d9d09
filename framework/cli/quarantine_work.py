"""`sluice quarantine export`, `mend`, `replay`, `discard`, `prune`: quarantined rows as work that can be finished."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path  # noqa: TC003 - read at run time for the flags' types
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.cli.options import Exit
from framework.cli.output import hint, plural, show
from framework.cli.quarantine_desk import EVERY, Which, desk, held, lake
from framework.cli.trail import noted
from framework.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.lake.quarantine import Selection

Flag = Annotated[bool, Parameter(negative="")]
AGE = re.compile(r"([0-9]+)([hdw])$")
MOST_IDS = 100
"""So many ids of rows are noted in the audit trail; the quarantine itself says of each row what was done to it."""
UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def quarantine_export(
    pipeline: str,
    *,
    out: Path,
    which: Which = EVERY,
    reveal: Flag = False,
) -> int:
    """Write quarantined rows to a CSV file or a workbook, to be corrected there and loaded back with `mend`.

    Without flags all that can be corrected.

    Args:
        pipeline: The pipeline, such as `retail.sales`.
        out: The file to write, `.csv` or `.xlsx`.
        which: Which rows.
        reveal: Write values of sensitive columns as they are, and not as `***`.
    """
    from framework.run.quarantine.files import export_rows

    wanted = which.selection()
    at = desk(pipeline, is_changed=False)
    count = export_rows(at, wanted, out, reveal=reveal)
    show({"pipeline": at.name, "file": str(out), "rows": count}, lambda: [f"{out}: {plural(count, 'row')}"])
    hint(f"next: correct it, then sluice quarantine mend {at.name} {out}")
    return Exit.OK


def quarantine_mend(
    pipeline: str,
    file: Path | None = None,
    *,
    row: str | None = None,
    set_: Annotated[tuple[str, ...], Parameter(name="--set", negative="")] = (),
) -> int:
    """Correct quarantined rows: those of a file that `export` wrote, or one row by its id. `replay` judges them again.

    What was read is kept; cells that did not change say nothing. Where anything is wrong, nothing is changed.

    Args:
        pipeline: The pipeline, such as `retail.sales`.
        file: The corrected file.
        row: The id of one row, with `--set`.
        set_: A value as `column=value`; without a value: empty. Can be repeated.
    """
    from framework.run.quarantine.files import read_corrections
    from framework.run.quarantine.mending import Correction, mend
    from framework.run.quarantine.rows import find_rows, who, with_ids

    if (file is None) == (row is None):
        raise ConfigurationError("expected a file, or --row with --set, and not both")
    if (row is None) != (not set_):
        raise ConfigurationError("--row and --set go together, such as --row q0123456789ab --set quantity=3")
    at = desk(pipeline, is_changed=True)
    if file is not None:
        corrections = read_corrections(file)
    else:
        found = with_ids(find_rows(at, Which(row=(row or "",)).selection()))
        corrections = [Correction(found["id"][0], _cells(set_))]
    done = mend(at, corrections, by=who(), where=str(file or "--set"))
    words = f"{plural(done.changed, 'row')} mended, {done.unchanged:,} as they were"
    show({"pipeline": at.name, "changed": done.changed, "unchanged": done.unchanged}, lambda: [words])
    if done.changed:
        noted("quarantine.mended", at.name, rows=done.changed, where=str(file or row))
        hint(f"next: sluice quarantine replay {at.name} --state mended")
    return Exit.OK


def _cells(given: Sequence[str]) -> dict[str, str | None]:
    cells: dict[str, str | None] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise ConfigurationError(f"--set {one}: expected column=value")
        if name in cells:
            raise ConfigurationError(f"--set {one}: '{name}' is given twice")
        cells[name] = value
    return cells


def quarantine_replay(
    pipeline: str,
    *,
    which: Which = EVERY,
    file: Path | None = None,
    run: Annotated[bool, Parameter(negative="--no-run")] = True,
) -> int:
    """Judge quarantined rows again, by the code as it is now: as mended, or else as they were read.

    They are queued, and a run takes them up with whatever else is new. What is accepted is published exactly once; what
    is not is back in quarantine with its new reasons. Files are read again if they are as they were. Without flags it
    takes what is `open` or `mended`.

    Args:
        pipeline: The pipeline, such as `retail.sales`.
        which: Which rows.
        file: Only the rows of an exported file.
        run: `--no-run` leaves them queued for the next run.
    """
    from framework.run.quarantine.replay import queue
    from framework.run.quarantine.rows import who

    wanted = which.selection(file)
    at = desk(pipeline, is_changed=True)
    done = queue(at, wanted, by=who())
    if done.rows:
        noted("quarantine.replayed", at.name, rows=done.rows, **_told(wanted))
    words = f"{plural(done.rows, 'row')} queued" + (f", {done.already:,} were queued already" if done.already else "")
    if done.left_out:
        hint(f"values of columns that the schema does not know are left out: {', '.join(done.left_out)}")
    if not run:
        document = {"pipeline": at.name, "queued": done.rows, "already": done.already, "left_out": done.left_out}
        show(document, lambda: [words])
        hint(f"next: sluice run {at.name}")
        return Exit.OK
    hint(words)
    from framework.cli.run import run as run_pipelines

    return run_pipelines(at.name)


def quarantine_discard(
    pipeline: str,
    *,
    which: Which = EVERY,
    file: Path | None = None,
    everything: Annotated[bool, Parameter(name="--all", negative="")] = False,
) -> int:
    """Put quarantined rows aside for good: they are kept and listed, but judged no more, not even by a rebuild.

    Args:
        pipeline: The pipeline, such as `retail.sales`.
        which: Which rows.
        file: Only the rows of an exported file.
        everything: All rows that are not closed; needed where nothing else says which.
    """
    from framework.lake.quarantine import Selection
    from framework.run.quarantine.replay import discard
    from framework.run.quarantine.rows import who

    wanted = which.selection(file)
    if (wanted == Selection()) != everything:
        raise ConfigurationError("say which rows to discard, such as --row or --reason; or --all, alone, for every one")
    at = desk(pipeline, is_changed=False)
    count = discard(at, wanted, by=who())
    if count:
        noted("quarantine.discarded", at.name, rows=count, **_told(wanted))
    show({"pipeline": at.name, "discarded": count}, lambda: [f"{plural(count, 'row')} discarded"])
    hint(f"next: sluice quarantine list {at.name}")
    return Exit.OK


def quarantine_prune(pipeline: str | None = None, *, older_than: str, decided: Flag = False) -> int:
    """Remove rows that were closed long ago: released and superseded ones.

    Args:
        pipeline: One pipeline, or a domain such as `retail`. Default: all.
        older_than: How long ago they were closed, in hours, days or weeks: `12h`, `90d`, `8w`.
        decided: Also those that were discarded, or accepted as mended, which a rebuild would have to know.
    """
    from framework.lake.quarantine import prune

    match = AGE.match(older_than)
    if match is None:
        raise ConfigurationError(f"--older-than {older_than}: expected a number of hours, days or weeks, such as 90d")
    before = datetime.now(UTC) - timedelta(**{UNITS[match[2]]: int(match[1])})
    place = lake()
    removed = {name: prune(place, name, before=before, decided=decided).rows for name in held(pipeline)}
    for name, count in removed.items():
        if count:
            noted("quarantine.pruned", name, rows=count, older_than=older_than, decided=decided)
    lines = [f"{name}: {plural(count, 'row')} removed" for name, count in removed.items()]
    show({"removed": removed}, lambda: lines or ["nothing is in quarantine"])
    return Exit.OK


def _told(wanted: Selection) -> dict[str, Any]:
    """Which rows were meant, for the audit trail."""
    return {**asdict(wanted), "ids": list(wanted.ids[:MOST_IDS])}
