"""`sluice quarantine export`, `mend`, `replay`, `discard`, `prune`: quarantined rows as work that can be finished."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path  # noqa: TC003 - read at run time for the flags' types
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from framework.cli.options import Exit
from framework.cli.output import hint, plural, show
from framework.cli.quarantine_desk import desk, held, lake
from framework.errors import ConfigurationError, SelectionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.lake.quarantine import Selection

Ids = Annotated[tuple[str, ...], Parameter(negative="")]
Flag = Annotated[bool, Parameter(negative="")]
AGE = re.compile(r"([0-9]+)([hdw])$")
UNITS = {"h": "hours", "d": "days", "w": "weeks"}


def selection_of(
    *,
    source: str | None = None,
    reason: str | None = None,
    state: str | None = None,
    failure: str | None = None,
    row: Sequence[str] = (),
    file: Path | None = None,
) -> Selection:
    """The rows that the flags of a command mean.

    Raises:
        ConfigurationError: when a state or a kind of failure is unknown, or the file of ids cannot be read.
    """
    from framework.lake.quarantine import FAILURES, STATES, Selection

    for flag, value, known in (("state", state, STATES), ("failure", failure, FAILURES)):
        if value is not None and value not in known:
            raise ConfigurationError(f"--{flag} {value}: {did_you_mean(value, known)}")
    ids = [*row, *(_ids_in(file) if file is not None else ())]
    return Selection(source, reason, (state,) if state else (), failure, ids=tuple(ids))


def _ids_in(file: Path) -> list[str]:
    from framework.run.quarantine_files import read_corrections

    found = [correction.row for correction in read_corrections(file)]
    if not found:
        raise SelectionError(f"{file} names no row")
    return found


def quarantine_export(  # noqa: PLR0913 - one keyword per flag
    pipeline: str,
    *,
    out: Path,
    source: str | None = None,
    reason: str | None = None,
    state: str | None = None,
    failure: str | None = None,
    row: Ids = (),
    reveal: Flag = False,
) -> int:
    """Write quarantined rows to a CSV file or a workbook, to be corrected there and loaded back with `mend`.

    Args:
        pipeline: The pipeline, such as `retail.sales`.
        out: The file to write, `.csv` or `.xlsx`.
        source: Only rows of this source.
        reason: Only rows one of whose reasons contains this text.
        state: Only rows in this state. Default: all that can be corrected.
        failure: Only rows that this stopped: `cast`, `rule`, `reference`, `parse` or `udf`.
        row: Only the row of this id; can be repeated.
        reveal: Write values of sensitive columns as they are, and not as `***`.
    """
    from framework.run.quarantine_files import export_rows

    wanted = selection_of(source=source, reason=reason, state=state, failure=failure, row=row)
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
    from framework.run.mending import Correction, mend
    from framework.run.quarantine_files import read_corrections
    from framework.run.quarantine_rows import find_rows, who, with_ids

    if (file is None) == (row is None):
        raise ConfigurationError("expected a file, or --row with --set, and not both")
    if (row is None) != (not set_):
        raise ConfigurationError("--row and --set go together, such as --row q0123456789ab --set quantity=3")
    at = desk(pipeline, is_changed=True)
    if file is not None:
        corrections = read_corrections(file)
    else:
        found = with_ids(find_rows(at, selection_of(row=[row or ""])))
        corrections = [Correction(found["id"][0], _cells(set_))]
    done = mend(at, corrections, by=who(), where=str(file or "--set"))
    words = f"{plural(done.changed, 'row')} mended, {done.unchanged:,} as they were"
    show({"pipeline": at.name, "changed": done.changed, "unchanged": done.unchanged}, lambda: [words])
    if done.changed:
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


def quarantine_replay(  # noqa: PLR0913 - one keyword per flag
    pipeline: str,
    *,
    source: str | None = None,
    reason: str | None = None,
    state: str | None = None,
    failure: str | None = None,
    row: Ids = (),
    file: Path | None = None,
    run: Annotated[bool, Parameter(negative="--no-run")] = True,
) -> int:
    """Judge quarantined rows again, by the code as it is now: as mended, or else as they were read.

    They are queued, and a run takes them up with whatever else is new. What is accepted is published exactly once; what
    is not is back in quarantine with its new reasons. Files are read again if they are as they were.

    Args:
        pipeline: The pipeline, such as `retail.sales`.
        source: Only rows of this source.
        reason: Only rows one of whose reasons contains this text.
        state: Only rows in this state. Default: `open` and `mended`.
        failure: Only rows that this stopped: `cast`, `rule`, `reference`, `parse`, `udf` or `file`.
        row: Only the row of this id; can be repeated.
        file: Only the rows of an exported file.
        run: `--no-run` leaves them queued for the next run.
    """
    from framework.run.quarantine_rows import who
    from framework.run.replay import queue

    wanted = selection_of(source=source, reason=reason, state=state, failure=failure, row=row, file=file)
    at = desk(pipeline, is_changed=True)
    done = queue(at, wanted, by=who())
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


def quarantine_discard(  # noqa: PLR0913 - one keyword per flag
    pipeline: str,
    *,
    source: str | None = None,
    reason: str | None = None,
    state: str | None = None,
    failure: str | None = None,
    row: Ids = (),
    file: Path | None = None,
    everything: Annotated[bool, Parameter(name="--all", negative="")] = False,
) -> int:
    """Put quarantined rows aside for good: they are kept and listed, but judged no more, not even by a rebuild.

    Args:
        pipeline: The pipeline, such as `retail.sales`.
        source: Only rows of this source.
        reason: Only rows one of whose reasons contains this text.
        state: Only rows in this state.
        failure: Only rows that this stopped: `cast`, `rule`, `reference`, `parse`, `udf` or `file`.
        row: Only the row of this id; can be repeated.
        file: Only the rows of an exported file.
        everything: All rows that are not closed; needed where nothing else says which.
    """
    from framework.lake.quarantine import Selection
    from framework.run.quarantine_rows import who
    from framework.run.replay import discard

    wanted = selection_of(source=source, reason=reason, state=state, failure=failure, row=row, file=file)
    if (wanted == Selection()) != everything:
        raise ConfigurationError("say which rows to discard, such as --row or --reason; or --all, alone, for every one")
    at = desk(pipeline, is_changed=False)
    count = discard(at, wanted, by=who())
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
    lines = [f"{name}: {plural(count, 'row')} removed" for name, count in removed.items()]
    show({"removed": removed}, lambda: lines or ["nothing is in quarantine"])
    return Exit.OK
