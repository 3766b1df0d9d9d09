"""The verdict on one file, found by reading all of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

import polars as pl

from framework.core.frames import BLANK, MALFORMED, PROVENANCE
from framework.core.source import Expected, FileSource
from framework.sources.csv_layout import OVERFLOW, read_header
from framework.sources.files import scan_files
from framework.sources.json import keys_of
from framework.sources.json_values import why
from framework.sources.pages import damaged_pages
from framework.sources.parquet import read_footer
from framework.sources.promises import KINDS
from framework.sources.text import UnreadableTextError
from framework.sources.verdict import GONE, Rejected, unusable_name

if TYPE_CHECKING:
    from framework.core.plan import FileInput
    from framework.core.source import Format
    from framework.storage import StorageLocation

Outcome = Literal["ok", "quarantine", "rejected", "crashed", "limit"]
MAX_REASONS = 5
ENDINGS: dict[str, Format] = {
    "csv": "csv", "tsv": "csv", "txt": "csv", "json": "json", "ndjson": "json", "jsonl": "json", "parquet": "parquet",
    "parq": "parquet",
}  # fmt: skip
ONLY = "only"
"""The option of a source that lists the columns to be read."""
_COMPRESSIONS = ("gz", "zst")
_CLIENTS = {"aiohttp", "botocore"}
_OBJECT_STORE = "object-store error"


@dataclass(frozen=True)
class Verdict:
    """What became of one file: `ok`, `quarantine` (read, but for some rows), `rejected`, `crashed` or `limit`.

    `rows` come in: `rows` = accepted + `quarantined` + `dropped` (blank lines). `reasons` counts what is wrong with
    quarantined rows, the most frequent first. `is_storage`: storage failed, which says nothing about the file.
    """

    path: str
    outcome: Outcome
    reason: str = ""
    rows: int = 0
    quarantined: int = 0
    dropped: int = 0
    bytes: int = 0
    reasons: dict[str, int] = field(default_factory=dict)
    is_storage: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        return asdict(self)


def format_of(path: str) -> Format | None:
    """Tell a file's format by its name; None when it is none of those that are read.

    >>> format_of("sales/day 1.CSV.gz"), format_of("notes.md")
    ('csv', None)
    """
    words = path.rpartition("/")[2].lower().split(".")
    if words[-1] in _COMPRESSIONS:
        words.pop()
    return ENDINGS.get(words[-1]) if len(words) > 1 else None


def judge_file(source: FileSource, file: FileInput, location: StorageLocation) -> Verdict:
    """Read a file to its end, all columns of it, and say what became of it.

    A promise beside it (see `promises`) is held against it as well. With the option `ONLY` just the columns that it
    lists are read, and only what the source itself asks for is held against the file. Never raises for what is in the
    file; but a reader may panic, abort or hang: see `framework.run.readers`.
    """
    verdict = Verdict(file.path, "ok", bytes=file.size)
    try:
        return _judge(source, file, location, verdict)
    except FileNotFoundError:
        return replace(verdict, outcome="rejected", reason=GONE)
    except (ValueError, RecursionError, UnreadableTextError) as error:
        return replace(verdict, outcome="rejected", reason=why(error))
    except MemoryError:
        return replace(verdict, outcome="limit", reason="not enough memory to read it")
    except (pl.exceptions.PolarsError, OSError) as error:
        reason = f"cannot be read: {_first_line(error)}"
        return replace(verdict, outcome="rejected", reason=reason, is_storage=_is_storage(error))
    except Exception as error:  # noqa: BLE001 - whatever a reader raises, it costs this file only
        reason = f"{type(error).__name__}: {_first_line(error)}"
        return replace(verdict, outcome="crashed", reason=reason, is_storage=_is_storage(error))


def _is_storage(error: Exception) -> bool:
    """Whether storage failed: it speaks in error numbers, or through the clients of object stores."""
    if isinstance(error, OSError) and (error.errno is not None or isinstance(error, ConnectionError | TimeoutError)):
        return True
    return type(error).__module__.partition(".")[0] in _CLIENTS or _OBJECT_STORE in str(error)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _judge(source: FileSource, file: FileInput, location: StorageLocation, verdict: Verdict) -> Verdict:
    careful = replace(source, options={**source.options, "manifest": _promises(source, file, location)})
    expected = _expected(source, file, location)
    if isinstance(expected, Rejected):
        return replace(verdict, outcome="rejected", reason=expected.reason)
    if source.format == "parquet":
        damage = damaged_pages(location, file, expected.schema.names())
        if damage:
            return replace(verdict, outcome="rejected", reason=damage)
    scanned = scan_files(careful, [file], location, expected)
    if scanned.rejected:
        return replace(verdict, outcome="rejected", reason=scanned.rejected[0].reason)
    for part in scanned.parts:
        verdict = _counted(verdict, part)
    return verdict


def _promises(source: FileSource, file: FileInput, location: StorageLocation) -> tuple[str, ...]:
    """What is held against a file: what its source asks for; where nobody asks, whatever lies beside it."""
    asked = tuple(source.options.get("manifest", ()))
    if asked or ONLY in source.options:
        return asked
    return tuple(kind for kind in KINDS if location.exists(f"{file.path}.{kind}"))


def _expected(source: FileSource, file: FileInput, location: StorageLocation) -> Expected | Rejected:
    """What is read of a file, none of which has to be there: the columns asked for, or all that it says it holds."""
    found = _held(source, file, location)
    if isinstance(found, Rejected) or ONLY not in source.options:
        return found
    wanted = source.options[ONLY]
    if source.format == "json":  # a record's keys are where the source says, so the file need not be asked
        return replace(found, schema=pl.Schema(dict.fromkeys(wanted, pl.String())))
    return replace(found, schema=pl.Schema({n: t for n, t in found.schema.items() if n in wanted}))


def _held(source: FileSource, file: FileInput, location: StorageLocation) -> Expected | Rejected:
    nothing = Expected(pl.Schema(), frozenset(), is_strict=False)
    if source.format == "csv":
        layout = read_header(source, file, location, nothing)
        if isinstance(layout, Rejected):
            return layout
        types: dict[str, Any] = dict.fromkeys(layout.header, pl.String())
    elif source.format == "json":
        keys = [] if ONLY in source.options else keys_of(source, file, location)
        types = dict.fromkeys((key for key in keys if "." not in key and not unusable_name([key])), pl.String())
    else:
        footer = read_footer(location, file)
        if isinstance(footer, Rejected):
            return footer
        unusable = unusable_name(footer.types)
        if unusable:
            return Rejected(file, f"wrong columns: {unusable}")
        types = footer.types
    return Expected(pl.Schema(types), frozenset(), is_strict=False)


def _counted(verdict: Verdict, rows: pl.LazyFrame) -> Verdict:
    """Read rows, every column of them, and add them to a verdict."""
    names = [name for name in rows.collect_schema().names() if name not in {*PROVENANCE, MALFORMED, OVERFLOW}]
    wrong = pl.col(MALFORMED) if MALFORMED in rows.collect_schema() else pl.lit(None, dtype=pl.String)
    values = [pl.col(name).is_not_null().sum().alias(f"v{n}") for n, name in enumerate(names)]
    found = rows.group_by(wrong.alias("_wrong")).agg(pl.len().alias("_rows"), *values).collect(engine="streaming")
    counts: dict[str | None, int] = dict(found.select("_wrong", "_rows").rows())
    good, blank = counts.pop(None, 0), counts.pop(BLANK, 0)
    bad = sum(counts.values())
    reasons = sorted(((text, n) for text, n in counts.items() if text), key=lambda item: (-item[1], item[0]))
    return replace(
        verdict,
        outcome="quarantine" if bad or verdict.quarantined else "ok",
        rows=verdict.rows + good + blank + bad,
        quarantined=verdict.quarantined + bad,
        dropped=verdict.dropped + blank,
        reasons={**verdict.reasons, **dict(reasons[:MAX_REASONS])},
    )
