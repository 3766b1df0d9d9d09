"""`sluice check-files`: one verdict on every file of a folder, whatever the files do to their reader."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from framework.cli.options import Exit
from framework.cli.output import columns, plural, show, size
from framework.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from framework.core.plan import FileInput
    from framework.core.source import FileSource, Format
    from framework.run.readers import Limits
    from framework.sources.judging import Verdict

NAMES = ("verdict", "file", "rows", "quarantined", "size", "reason")
BESIDE = (".sha256", ".manifest")


def check_files(
    folder: str,
    *,
    kind: Literal["csv", "json", "parquet"] | None = None,
    memory_mb: int = 2048,
    seconds: float = 60.0,
) -> int:
    """Read every file of a folder and those below, and say what became of it: ok, or why not.

    Each is read to its end in a process of its own, with limits, so that no file can do harm beyond itself.

    Args:
        folder: The folder.
        kind: What files are whose name does not tell.
        memory_mb: Resident memory that reading one file may take, in MiB.
        seconds: Wall time that reading one file may take.
    """
    from framework.run.readers import Limits

    root = Path(folder)
    if not root.is_dir():
        raise ConfigurationError(f"{folder}: there is no such folder")
    if memory_mb < 256 or seconds <= 0:  # noqa: PLR2004
        raise ConfigurationError(
            f"--memory-mb {memory_mb} --seconds {seconds:g}: expected 256 or more, and more than 0"
        )
    verdicts = sorted(_verdicts(root, kind, Limits(memory_mb, seconds)), key=lambda verdict: verdict.path)
    counts = Counter(verdict.outcome for verdict in verdicts)

    def text() -> Iterator[str]:
        rows = [
            {"verdict": v.outcome, "file": v.path, "rows": v.rows, "quarantined": v.quarantined, "size": size(v.bytes),
             "reason": v.reason or "; ".join(f"{n} x {why}" for why, n in v.reasons.items()) or None}
            for v in verdicts
        ]  # fmt: skip
        yield from columns(rows, NAMES, empty="the folder holds no files")
        if verdicts:
            yield f"{plural(len(verdicts), 'file')}: {', '.join(f'{n:,} {name}' for name, n in counts.most_common())}"

    show({"folder": folder, "counts": dict(counts), "files": [verdict.to_dict() for verdict in verdicts]}, text)
    return Exit.OK if set(counts) <= {"ok", "quarantine"} else Exit.FAILED


def _verdicts(root: Path, kind: Format | None, limits: Limits) -> Iterator[Verdict]:
    from framework.run.readers import judge_files
    from framework.storage import StorageLocation

    readable: list[tuple[FileSource, FileInput]] = []
    for path in _walk(root):
        found = _input(root, path, kind)
        if isinstance(found, tuple):
            readable.append(found)
        else:
            yield found
    yield from judge_files(readable, StorageLocation(str(root.absolute())), limits)


def _walk(root: Path) -> Iterator[Path]:
    """All files below a folder, but for the promises beside others."""
    for folder, _, names in os.walk(root):
        beside = {name + ending for name in names for ending in BESIDE}
        yield from (Path(folder, name) for name in names if name not in beside)


def _input(root: Path, path: Path, kind: Format | None) -> tuple[FileSource, FileInput] | Verdict:
    """What to read a file as, or the verdict on one that cannot even be opened."""
    from framework.core.plan import FileInput
    from framework.core.source import FileSource
    from framework.sources.judging import ENDINGS, Verdict, format_of

    name = str(path.relative_to(root))
    if not _is_text(name):
        shown = os.fsencode(name).decode(errors="backslashreplace")
        return Verdict(shown, "rejected", "its name is no text in UTF-8")
    if not path.is_file():
        return Verdict(name, "rejected", "it is no regular file")
    found = format_of(name) or kind
    stat = path.stat()
    if found is None:
        known = ", ".join(f".{ending}" for ending in ENDINGS)
        return Verdict(name, "rejected", f"its name does not say what it is ({known}); --kind does", bytes=stat.st_size)
    return FileSource(found, (name,)), FileInput(datetime.fromtimestamp(stat.st_mtime, UTC), name, stat.st_size)


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
