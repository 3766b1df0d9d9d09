"""What a pipeline reads, as declarations: frozen values without any connection behind them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import timedelta

    from framework.core.budget import Limit
    from framework.core.fallback import Alternate, Fallback
    from framework.core.policy import Breaker, Retry
    from framework.core.rule import BusinessRule

OnStale = Literal["warn", "fail"]
IfFailed = Literal["skip", "use_last"]
OnInvalid = Literal["fail", "quarantine", "drop", "warn"]
Format = Literal["csv", "json", "parquet"]
Nan = Literal["keep", "null", "refuse"]
Empty = Literal["null", "text"]
EMPTY_POLICIES: tuple[Empty, ...] = ("null", "text")
Absent = Literal["null", "apart"]
ABSENT_POLICIES: tuple[Absent, ...] = ("null", "apart")
NAN_POLICIES: tuple[Nan, ...] = ("keep", "null", "refuse")


@dataclass(frozen=True)
class Reference:
    """A foreign key: `column` must hold a value that `key` of another source of the pipeline has.

    A row that breaks nothing but this waits in quarantine until a later run knows the value.
    """

    column: str
    source: str
    key: str


@dataclass(frozen=True)
class Nulls:
    """What stands for no value in the rows of a source, and what becomes of it. What a column declares itself wins.

    `tokens`: texts that mean null, compared exactly. `nan`: whether NaN is kept, means null, or breaks the row's type.
    `fill`: what takes the place of null, by column (as `default` in the schema). `refuse`: columns that must have a
    value here though the schema lets them be null. `empty`: what `""` in CSV is: `null` as nothing between two
    delimiters, or a `text` without characters. `absent`: what a JSON key that a record lacks is: the same as `null`, or
    a case `apart`: then `default` and `fill` stand in for it and not for null, and a required column must have it.
    """

    tokens: Sequence[str] = ()
    nan: Nan = "keep"
    fill: Mapping[str, Any] = field(default_factory=dict, hash=False)
    refuse: Sequence[str] = ()
    empty: Empty = "null"
    absent: Absent = "null"


KEEP_NULLS = Nulls()


@dataclass(frozen=True)
class FileSource:
    """Files below the raw folder, read when they are new or have changed.

    `limits`: the budget of refused rows. `rules`: business rules beside those of the schema.
    `fallback`: per column what stands in for a value that cannot be used, the first that has one. `otherwise`: the
    source that stands in for this one when it fails a run. `retry`, `breaker`: how calls to it are made, beside the
    project's word. `hooks`: what is called before and after it is read and checked.
    """

    format: Format
    patterns: tuple[str, ...]
    schema: Any = None
    on_invalid: OnInvalid = "quarantine"
    references: tuple[Reference, ...] = ()
    sample_by: str | None = None
    options: dict[str, Any] = field(default_factory=dict, hash=False)
    nulls: Nulls = field(default=KEEP_NULLS, hash=False)
    limits: tuple[Limit, ...] = ()
    rules: tuple[BusinessRule, ...] = ()
    fallback: Mapping[str, tuple[Fallback, ...]] = field(default_factory=dict, hash=False)
    otherwise: Alternate | None = None
    retry: Retry | None = None
    breaker: Breaker | None = None
    hooks: tuple[Callable[..., Any], ...] = ()


@dataclass(frozen=True)
class TableSource:
    """A table of the lake, read at one version.

    `key`: the columns that tie its rows to other sources. When rows of this table change, outputs that recompute by
    a column look up which of its values the changed keys touch. `max_age`: how long ago it may have changed last.
    `if_failed`: what becomes of this pipeline when the one that writes the table fails in the same invocation. `retry`,
    `breaker`, `hooks`: as for files.
    """

    table: str
    key: tuple[str, ...] = ()
    schema: Any = None
    sample_by: str | None = None
    max_age: timedelta | None = None
    on_stale: OnStale = "warn"
    if_failed: IfFailed = "skip"
    retry: Retry | None = None
    breaker: Breaker | None = None
    hooks: tuple[Callable[..., Any], ...] = ()


Source = FileSource | TableSource


@dataclass(frozen=True)
class Expected:
    """What a reader has to know of a contract: the columns and their types, which must be there, and no others.

    `is_ordered`: the columns of a file must be in the order of the schema. `empty_texts`: the columns in which a quoted
    empty field of CSV is a text. `told_absent`: the columns of which must be told whether a JSON record lacks them.
    `older`: the names that columns had before, which files may still use, the latest first.
    """

    schema: Any
    required: frozenset[str]
    is_strict: bool
    is_ordered: bool = False
    empty_texts: frozenset[str] = frozenset()
    told_absent: frozenset[str] = frozenset()
    older: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
