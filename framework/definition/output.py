"""Outputs: which table holds the rows of which step, how new rows meet those that are there, and files made of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from framework.core.across import node_name
from framework.core.export import Export, Layout
from framework.core.frames import PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import polars as pl

    from framework.core.quality import Quality

WriteMode = Literal["merge", "append", "replace_partitions", "overwrite"]
WRITE_MODES: tuple[WriteMode, ...] = ("merge", "append", "replace_partitions", "overwrite")
Compatibility = Literal["backward", "forward", "full", "none"]
COMPATIBILITIES: tuple[Compatibility, ...] = ("backward", "forward", "full", "none")


@dataclass(frozen=True)
class Migration:
    """How rows that a table has from before its schema changed become rows of the present one.

    Carried out by `sluice schema migrate`, as one new version of the table. What does not apply any more, because the
    table has got there already, is left out; so a migration may stay where it is.

    Args:
        rename: The new names of columns, by their old ones.
        fill: What takes the place of null in a column, or of one that was not there.
        cast: Columns whose values are brought into their new type though not every value of the old one fits: one that
            does not fails the migration.
        backfill: A function that gives the rows their new values: from a lazy frame with the columns of both schemas
            (those of before that are no longer declared, too) to one with the declared columns.
    """

    rename: Mapping[str, str] = field(default_factory=dict, hash=False)
    fill: Mapping[str, Any] = field(default_factory=dict, hash=False)
    cast: Sequence[str] = ()
    backfill: Callable[[pl.LazyFrame], pl.LazyFrame] | None = None


@dataclass(frozen=True)
class Output:
    """One table that a pipeline writes."""

    table: str
    of: str
    mode: WriteMode
    key: tuple[str, ...] = ()
    partition_by: tuple[str, ...] = ()
    newest_by: tuple[str, ...] = ()
    recompute_by: tuple[str, ...] = ()
    # What follows says how the table's schema may change, and is no part of what a run computes: see `fingerprint`.
    compatibility: Compatibility = field(default="backward", repr=False)
    migration: Migration | None = field(default=None, repr=False)
    quality: Quality | None = field(default=None, repr=False)  # says what is looked at, not what is computed


def table(  # noqa: PLR0913 - one keyword per thing that an output can say
    name: str,
    *,
    of: Callable[..., Any] | str,
    mode: WriteMode = "overwrite",
    key: str | Sequence[str] = (),
    partition_by: str | Sequence[str] = (),
    newest_by: str | Sequence[str] = PROVENANCE,
    recompute_by: str | Sequence[str] = (),
    compatibility: Compatibility = "backward",
    migration: Migration | None = None,
    quality: Quality | None = None,
) -> Output:
    """Declare a table of the lake as an output.

    Args:
        name: Its name, such as `retail/sales`.
        of: The step (or the name of a step or source) whose rows it holds.
        mode: `merge` (by `key`: the newest row wins), `append`, `replace_partitions` (the partitions that occur), or
            `overwrite` (all of it).
        key: The columns that identify a row; `merge` needs them.
        partition_by: The columns by which its files are kept apart.
        newest_by: With `merge`: the columns that say which of two rows with one key is newer, most important first.
            Default: the row's file time, file name and line. They must be in the rows.
        recompute_by: The columns by which an incremental run recomputes: when input rows change, the output's rows for
            the values these rows have (or, through a source's key, touch) are computed again from all their input.
            Without it a change of a table that is a source recomputes the whole output.
        compatibility: Which changes of its schema a run carries out: those after which the rows that stay can be read
            (`backward`), those after which readers of before can read the new rows (`forward`), only what is both
            (`full`), or any (`none`).
        migration: How rows of before become rows of the present schema, where a run cannot do it by itself.
        quality: What is looked at and expected of the rows that a run stages, before they are published.
    """
    return Output(
        table=name,
        of=node_name(of),
        mode=mode,
        key=_names(key),
        partition_by=_names(partition_by),
        newest_by=_names(newest_by) if mode == "merge" and not recompute_by else (),
        recompute_by=_names(recompute_by),
        compatibility=compatibility,
        migration=migration,
        quality=quality,
    )


def json_file(
    path: str,
    *,
    of: Callable[..., Any] | str,
    layout: Layout = "records",
    columns: str | Sequence[str] = (),
    order_by: str | Sequence[str] = (),
) -> Export:
    """Declare a JSON file that shows what a table of this pipeline holds, for programs that read no Delta tables.

    It is written from the published table, after the commit and before the run counts as done, and takes the place of
    the old file at once: readers see one version of the table or the next, never a part of one.

    Args:
        path: Its path below the folder of exports (`SLUICE_EXPORTS`), such as `marketing/roi.json`; `.gz` compresses.
        of: The step (or the name of a step or source) whose table it shows; it must be an output of the pipeline too.
        layout: `records` (an array of objects), `document` (an object that also says which table, version and run it
            shows) or `lines` (one object per line).
        columns: The columns to show, in this order. Default: all but those that say where a row came from.
        order_by: The columns by which records are ordered. Default: the table's key, or else its partition columns.
    """
    return Export(path, node_name(of), layout, order_by=_names(order_by), columns=_names(columns))


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
