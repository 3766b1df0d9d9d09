"""What is wrong with a step, with the smallest input that shows it, for people and for machines."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

SHOWN_ROWS = 20


@dataclass(frozen=True)
class Finding:
    """One expectation that a step or a pipeline does not meet.

    `check`: its name. `expected`, `found`: sentences. `inputs`: the frames by source or step. `difference`: the rows
    that only one of two results has, with the result in column `in`.
    """

    check: str
    expected: str
    found: str
    inputs: dict[str, pl.DataFrame] = field(default_factory=dict)
    difference: pl.DataFrame | None = None

    @property
    def size(self) -> int:
        """How much there is to read in its input: rows, then cells that are not null."""
        return sum(
            1_000 * f.height + sum(f.height - f[n].null_count() for n in f.columns) for f in self.inputs.values()
        )

    def to_dict(self) -> dict[str, Any]:
        """Render as plain data for JSON."""
        return {
            "check": self.check,
            "expected": self.expected,
            "found": self.found,
            "inputs": {name: _plain(frame) for name, frame in self.inputs.items()},
            "python": as_python(self.inputs),
            "difference": _plain(self.difference) if self.difference is not None else None,
        }

    def render(self) -> Iterator[str]:
        """Render as lines for a terminal."""
        yield f"expected: {self.expected}"
        yield f"found:    {self.found}"
        for name, frame in self.inputs.items():
            count = f"{frame.height} row{'' if frame.height == 1 else 's'}"
            yield f"input '{name}', {count}{':' if frame.height else ''}"
            yield from (f"    {line}" for line in _table(frame))
        if self.difference is not None:
            yield "rows of the result that break it:" if self.check == "contract" else "rows that only one result has:"
            yield from (f"    {line}" for line in _table(self.difference))
        if self.inputs:
            yield "the input in Python:"
            yield from (f"    {line}" for line in as_python(self.inputs).splitlines())


class Broken(Exception):  # noqa: N818 - it is raised within hypothesis, which shrinks by it, and never reaches anybody
    """Carries a finding through hypothesis."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding.check)
        self.finding = finding


def _plain(frame: pl.DataFrame) -> dict[str, Any]:
    rows = [{name: _exact(value) for name, value in row.items()} for row in frame.iter_rows(named=True)]
    return {"columns": {name: str(dtype) for name, dtype in frame.schema.items()}, "rows": rows}


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _exact(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_exact(item) for item in value]
    if isinstance(value, bytes):
        return value.hex()
    is_odd = isinstance(value, float) and not math.isfinite(value)
    return str(value) if is_odd or isinstance(value, Decimal | date | time | timedelta) else value


def _table(frame: pl.DataFrame) -> Iterator[str]:
    if not frame.height:
        return
    options: dict[str, Any] = {"tbl_rows": -1, "tbl_cols": -1, "tbl_width_chars": 10_000, "fmt_str_lengths": 40}
    with pl.Config(**options, tbl_hide_dataframe_shape=True, tbl_formatting="NOTHING", tbl_hide_column_data_types=True):
        yield from (line.rstrip() for line in str(frame.head(SHOWN_ROWS)).splitlines())
    if frame.height > SHOWN_ROWS:
        yield f"and {frame.height - SHOWN_ROWS} more"


def as_python(frames: Mapping[str, pl.DataFrame]) -> str:
    r"""Write frames as Python that makes them, to be pasted into a test.

    >>> print(as_python({"orders": pl.DataFrame({"amount": [1, None]})}))
    import polars as pl
    <BLANKLINE>
    orders = pl.LazyFrame(
        [
            (1,),
            (None,),
        ],
        schema={'amount': pl.Int64()},
        orient="row",
    )
    """
    blocks = [_assignment(name, frame) for name, frame in frames.items()]
    text = "\n\n".join(blocks)
    imports = [line for word, line in IMPORTS.items() if word in text]
    return "\n".join([*imports, "import polars as pl", "", text])


IMPORTS = {
    "Decimal(": "from decimal import Decimal",
    "datetime.": "import datetime",
    "ZoneInfo(": "from zoneinfo import ZoneInfo",
}


def _assignment(name: str, frame: pl.DataFrame) -> str:
    schema = ", ".join(f"{column!r}: {_type(dtype)}" for column, dtype in frame.schema.items())
    rows = [f"        ({', '.join(map(_literal, row))}{',' if len(row) == 1 else ''})," for row in frame.iter_rows()]
    body = ["    [", *rows, "    ],"] if rows else ["    [],"]
    return "\n".join([f"{name} = pl.LazyFrame(", *body, f"    schema={{{schema}}},", '    orient="row",', ")"])


def _type(dtype: Any) -> str:  # noqa: PLR0911 - one form per family of types
    if isinstance(dtype, pl.Datetime):
        return f"pl.Datetime({dtype.time_unit!r}, {dtype.time_zone!r})"
    if isinstance(dtype, pl.Duration):
        return f"pl.Duration({dtype.time_unit!r})"
    if isinstance(dtype, pl.Decimal):
        return f"pl.Decimal({dtype.precision}, {dtype.scale})"
    if isinstance(dtype, pl.Enum):
        return f"pl.Enum({dtype.categories.to_list()!r})"
    if isinstance(dtype, pl.List):
        return f"pl.List({_type(dtype.inner)})"
    if isinstance(dtype, pl.Array):
        return f"pl.Array({_type(dtype.inner)}, {dtype.size})"
    if isinstance(dtype, pl.Struct):
        return f"pl.Struct({{{', '.join(f'{f.name!r}: {_type(f.dtype)}' for f in dtype.fields)}}})"
    return f"pl.{dtype.base_type().__name__}()"


def _literal(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return f"float('{value}')"
    if isinstance(value, datetime) and value.tzinfo is not None:
        naive = repr(value.replace(tzinfo=None)).removesuffix(")")
        fold = "" if "fold=" in naive or not value.fold else ", fold=1"
        return f"{naive}{fold}, tzinfo=ZoneInfo({str(value.tzinfo)!r}))"
    if isinstance(value, list):
        return f"[{', '.join(map(_literal, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{name!r}: {_literal(item)}' for name, item in value.items())}}}"
    return repr(value)
