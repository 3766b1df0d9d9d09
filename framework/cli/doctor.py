"""`sluice doctor`: looks for what is wrong and says what to do about it. Changes nothing unless it is asked to."""

from __future__ import annotations

import os
import platform
import tomllib
import uuid
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.cli.diagnosis import Finding
from framework.cli.options import Exit, settings
from framework.cli.output import columns, hint, plural, show
from framework.errors import SluiceError, StorageError
from framework.observe.redact import MASK, Redactor, secrets_of
from framework.settings import FILE_NAME

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.ledger.opening import Ledger
    from framework.settings import Settings
    from framework.storage import StorageLocation

PACKAGES = (
    "polars",
    "pandera",
    "deltalake",
    "pyarrow",
    "pydantic-settings",
    "sqlalchemy",
    "alembic",
    "s3fs",
    "loguru",
    "rich",
    "cyclopts",
)
OPTIONAL = {"psycopg": "a ledger in PostgreSQL"}


def doctor(*, rebuild_ledger: Annotated[bool, Parameter(negative="")] = False) -> int:
    """Look for what is wrong: versions, settings, storage, ledger, lake. Changes nothing without a flag.

    Args:
        rebuild_ledger: Instead, enter the published runs that the lake knows and the ledger lacks.
    """
    if rebuild_ledger:
        from framework.cli import ledger_rebuild

        return ledger_rebuild.rebuild_ledger()
    here = settings()
    mask = Redactor(secrets_of(here))
    versions = {"python": platform.python_version(), **{name: _version(name) for name in (*PACKAGES, *OPTIONAL)}}
    chosen = mask.data(list(_sources(here, prefix="SLUICE_")))
    findings = [Finding(**mask.data(asdict(finding))) for finding in _examine(here)]
    wrong = [finding for finding in findings if finding.state == "fail"]
    document = {"versions": versions, "settings": chosen, "findings": [asdict(finding) for finding in findings]}

    def text() -> Iterator[str]:
        yield "versions: " + ", ".join(f"{name} {found or 'not installed'}" for name, found in versions.items())
        yield from columns(chosen, ("setting", "value", "from"), empty="")
        whole = [finding for finding in findings if finding.is_whole_table]
        if whole:
            yield f"ok    tables: {plural(len(whole), 'table')} can be read, with all their files"
        for finding in (finding for finding in findings if finding not in whole):
            yield f"{finding.state:<5} {finding.subject}: {finding.what}"
            if finding.fix:
                yield f"      fix: {finding.fix}"
        yield f"{plural(len(wrong), 'problem')} found" if wrong else "nothing is wrong"

    show(document, text)
    return Exit.FAILED if wrong else Exit.OK


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:  # optional ones may be missing
        return None


def _sources(here: Settings, *, prefix: str) -> Iterator[dict[str, str]]:
    """Each setting with its value and where it comes from."""
    file = here.project / FILE_NAME
    written = tomllib.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    yield from _of_model(here, written, prefix, "")


def _of_model(model: Any, written: dict[str, Any], variable: str, path: str) -> Iterator[dict[str, str]]:
    environment = {name.upper() for name in os.environ}
    for name in type(model).model_fields:
        value, key = getattr(model, name), f"{variable}{name}".upper()
        if hasattr(type(value), "model_fields"):
            yield from _of_model(value, written.get(name) or {}, f"{key}__", f"{path}{name}.")
            continue
        origin = key if key in environment else FILE_NAME if name in written else "default"
        shown = MASK if hasattr(value, "get_secret_value") else "-" if value is None else str(value)
        yield {"setting": f"{path}{name}", "value": shown, "from": origin}


def _examine(here: Settings) -> Iterator[Finding]:
    from framework.cli.diagnosis import examine_lake
    from framework.run.workspace import open_workspace

    yield _pipelines(here)
    space = open_workspace(here)
    yield _storage("raw", space.raw, is_written=False)
    yield _storage("lake", space.lake, is_written=True)
    yield _ledger(here, space.lake)
    yield from examine_lake(space.lake)


def _pipelines(here: Settings) -> Finding:
    from framework.definition.load import load_pipelines

    try:
        return Finding("pipelines", "ok", f"{plural(len(load_pipelines(here)), 'pipeline')} can be loaded")
    except SluiceError as error:
        return Finding("pipelines", "fail", str(error), "sluice check")


def _storage(name: str, location: StorageLocation, *, is_written: bool) -> Finding:
    """Whether a folder can be listed, and written where runs write."""
    subject, setting = f"{name} ({location.root})", f"check SLUICE_{name.upper()} and its credentials"
    try:
        if location.is_local and not Path(location.root).is_dir():
            creator = "the first run creates it" if is_written else "`sluice sample`, or whoever delivers, creates it"
            return _absent(subject, Path(location.root), creator, setting)
        location.folders()
        if is_written:
            probe = f"_sluice/doctor-{uuid.uuid4().hex}"
            location.create(probe, b"")
            location.delete(probe)
    except (SluiceError, OSError) as error:
        return Finding(subject, "fail", str(error), setting)
    return Finding(subject, "ok", "can be read and written" if is_written else "can be read")


def _absent(subject: str, place: Path, creator: str, fix: str) -> Finding:
    """What it means that a folder or file is not there: that it will be created, or cannot be."""
    nearest = next(parent for parent in place.absolute().parents if parent.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding(subject, "warn", "is not there yet", creator)
    return Finding(subject, "fail", f"is not there and cannot be created in {nearest}", fix)


def _ledger(here: Settings, lake: StorageLocation) -> Finding:
    from sqlalchemy.exc import SQLAlchemyError

    from framework.ledger.engine import sqlite_file
    from framework.ledger.opening import open_existing
    from framework.ledger.runs import recent

    subject = f"ledger ({here.ledger_url})"
    fix = "check SLUICE_LEDGER; runs go on without it, but are not listed"
    try:
        ledger = open_existing(here.ledger_url)
        if ledger is not None:
            recent(ledger, limit=1)
        missing = _missing(ledger, lake)
        if missing:
            what = f"{plural(missing, 'published run')} of the lake cannot be found in it"
            return Finding(subject, "warn", what, "sluice doctor --rebuild-ledger")
        if ledger is None:
            return _absent(subject, Path(str(sqlite_file(here.ledger_url))), "the first run creates it", fix)
    except (SQLAlchemyError, SluiceError, OSError) as error:
        text = str(error).partition("\n")[0]
        return Finding(subject, "fail", text, fix)
    return Finding(subject, "ok", "can be read and written")


def _missing(ledger: Ledger | None, lake: StorageLocation) -> int:
    """How many published runs the ledger lacks; none where the lake cannot be read, which is a finding of its own."""
    from framework.cli.ledger_rebuild import missing_runs

    try:
        return missing_runs(ledger, lake)
    except (StorageError, OSError) as error:
        hint(f"what the lake knows of runs is not compared with the ledger: {error}")
        return 0
