"""The ledger beside the lake: which published runs it lacks, and entering them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from framework.cli.options import Exit, settings
from framework.cli.output import complain, hint, plural, show
from framework.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.core.report import RunReport
    from framework.ledger.opening import Ledger
    from framework.storage import StorageLocation

PLACE = "_sluice/{pipeline}/runs/*.json"


def missing_runs(ledger: Ledger | None, lake: StorageLocation) -> int:
    """How many runs the lake knows as published and the ledger does not. Reads the names of the manifests only."""
    from framework.ledger.rebuild import published

    known = published(ledger) if ledger is not None else set()
    there = {(pipeline, int(path.rpartition("/")[2].removesuffix(".json"))) for pipeline, path in _manifests(lake)}
    return len(there - known)


def rebuild_ledger() -> int:
    """Enter the runs that the lake knows into the ledger.

    Raises:
        StorageError: when the ledger cannot be reached.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from framework.ledger.opening import open_ledger
    from framework.ledger.rebuild import rebuild
    from framework.run.workspace import open_workspace

    here = settings()
    torn: list[str] = []
    try:
        done = rebuild(open_ledger(here.ledger_url), list(_reports(open_workspace(here).lake, torn)))
    except SQLAlchemyError as error:
        raise StorageError(f"the ledger cannot be written: {str(error).partition(chr(10))[0]}") from error
    words = (
        f"{plural(done.added, 'run')} entered from the lake, {done.corrected:,} corrected, {done.known:,} known already"
    )
    show({**vars(done), "unreadable": torn}, lambda: [words])
    for path in torn:
        complain(f"{path} cannot be read; its run is not entered")
    hint("next: sluice runs")
    return Exit.FAILED if torn else Exit.OK


def _reports(lake: StorageLocation, torn: list[str]) -> Iterator[RunReport]:
    """The reports in the manifests, secrets masked; `torn` gets the paths of those that cannot be read."""
    from framework.core.report import RunReport
    from framework.observe.redact import Redactor, secrets_of

    mask = Redactor(secrets_of(settings()))
    for _, path in _manifests(lake):
        try:
            yield RunReport.from_dict(mask.data(json.loads(lake.read(path) or b"")["report"]))
        except (ValueError, KeyError, TypeError):
            torn.append(lake.uri(path))


def _manifests(lake: StorageLocation) -> Iterator[tuple[str, str]]:
    for pipeline in lake.folders("_sluice"):
        for info in lake.files(PLACE.format(pipeline=pipeline)):
            yield pipeline, info.path
