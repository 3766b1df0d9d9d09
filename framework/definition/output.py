"""Outputs: which table holds the rows of which step, how new rows meet those that are there, and files made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from framework.core.export import Export, Layout
from framework.core.frames import PROVENANCE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WriteMode = Literal["merge", "append", "replace_partitions", "overwrite"]
WRITE_MODES: tuple[WriteMode, ...] = ("merge", "append", "replace_partitions", "overwrite")


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


def table(
    name: str,
    *,
    of: Callable[..., Any] | str,
    mode: WriteMode = "overwrite",
    key: str | Sequence[str] = (),
    partition_by: str | Sequence[str] = (),
    newest_by: str | Sequence[str] = PROVENANCE,
    recompute_by: str | Sequence[str] = (),
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
    """
    return Output(
        table=name,
        of=_node(of),
        mode=mode,
        key=_names(key),
        partition_by=_names(partition_by),
        newest_by=_names(newest_by) if mode == "merge" and not recompute_by else (),
        recompute_by=_names(recompute_by),
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
    return Export(path, _node(of), layout, order_by=_names(order_by), columns=_names(columns))


def _node(of: Callable[..., Any] | str) -> str:
    return of if isinstance(of, str) else str(getattr(of, "__name__", repr(of)))


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
