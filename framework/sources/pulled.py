"""Frames made by Python as a lazy source of a plan: pulled by the engine, which so sets the pace.

The one adapter to `register_io_source` (polars 2.1, unstable).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from polars.io.plugins import register_io_source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import polars as pl


def pulled(frames: Callable[[], Iterator[pl.DataFrame]], schema: pl.Schema) -> pl.LazyFrame:
    """Give frames as lazy rows; they are made once per execution, unless branches push different filters into them.

    Pushed-down row limits, predicates and projections are applied here, in this order.
    """

    def read(
        with_columns: list[str] | None, predicate: pl.Expr | None, n_rows: int | None, _batch_size: int | None
    ) -> Iterator[pl.DataFrame]:
        left = n_rows
        for frame in frames():
            rows = frame
            if left is not None:
                rows = rows.head(left)
                left -= rows.height
            if predicate is not None:
                rows = rows.filter(predicate)
            yield rows.select(with_columns) if with_columns is not None else rows
            if left == 0:
                return

    # NOTE: without `is_pure` polars opens the source once per sink.
    return register_io_source(read, schema=schema, is_pure=True)
