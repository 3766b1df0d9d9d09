"""Schemas as authors declare them, and records that meet them or miss them by little, as JSON has them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pandera.polars as pa
import polars as pl
from hypothesis import strategies as st

from tests.boundary.json_schema.documents import ABSENT, NO_CONTAINER, NO_NUMBER, TEXTS, without_absent

C = pa.Check
MOMENTS = ("2024-05-01T12:00:00Z", "2024-05-01T12:00:00.5Z", "2024-13-01T12:00:00Z", "2024-05-01", "x")
WHOLE = (-129, -128, -1, 0, 1, 2, 7, 127, 128, 255, 256, 70000, 1.5)


@dataclass(frozen=True)
class Kind:
    """A type, values for it in JSON, good ones and bad ones, checks and defaults that fit, and how it is read."""

    dtype: Any
    values: tuple[Any, ...]
    checks: tuple[Any, ...] = ()
    defaults: tuple[Any, ...] = ()
    metadata: tuple[dict[str, Any], ...] = ()
    needed: dict[str, Any] | None = None


NUMERIC = (
    C.gt(0),
    C.ge(1),
    C.lt(100),
    C.le(2),
    C.in_range(0, 7, include_max=False),
    C.in_range(-1, 127, include_min=False),
    C.isin([0, 1, 7]),
    C.notin([1, 2]),
    C.eq(1),
    C.ne(0),
    C.ge(1, ignore_na=False),
    C.gt(1000, raise_warning=True),
)
TEXTUAL = (
    C.str_matches("a|b"),
    C.str_matches(r"\w+$"),
    C.str_matches("^[^a]"),
    C.str_contains("b|^$"),
    C.str_contains(r"^\s*\d+\s*$"),
    C.str_contains(r"\W"),
    C.str_contains("."),
    C.str_contains(r"\[.\]"),
    C.str_startswith("[a"),
    C.str_startswith("a."),
    C.str_endswith("b"),
    C.str_endswith("$"),
    C.str_length(1, 3),
    C.str_length(max_value=2),
    C.str_length(exact_value=3),
    C.isin(["a", "ab", "äöü"]),
    C.notin(["a", ""]),
    C.ne("ab"),
    C.isin(["a", "b"], ignore_na=False),
)
DROPS = ({"lossy": "drop_surplus"},)
STRUCT = pl.Struct({"x": pl.Int64(), "d": pl.Date(), "n": pl.List(pl.Boolean())})
KINDS: dict[str, Kind] = {
    **{t.__name__: Kind(t, (*WHOLE, *NO_NUMBER), NUMERIC, (3,)) for t in (pl.Int8, pl.UInt8, pl.Int32, pl.Int64)},
    "Float64": Kind(pl.Float64, (*WHOLE, 0.1, 2.25, *NO_NUMBER), (*NUMERIC, C.lt(0.1), C.isin([0.1, 1.5])), (1.5,)),
    "Decimal": Kind(
        pl.Decimal(7, 2),
        (*WHOLE, 0.1, 0.01, 99999.99, 100000, 1.005, *NO_NUMBER),
        (*NUMERIC, C.ge(Decimal("0.01")), C.isin([Decimal("0.10"), Decimal(1)])),
        (Decimal("2.50"),),
        ({"lossy": "round"},),
    ),
    "Whole": Kind(pl.Decimal(3, 0), (*WHOLE, 999, 1000, -999, *NO_NUMBER), NUMERIC),
    "String": Kind(pl.String, TEXTS, TEXTUAL, ("ab",), ({"sensitive": True, "owner": "sales"},)),
    "Boolean": Kind(pl.Boolean, (True, False, "x", 2, [True]), (C.eq(True), C.ne(True)), (False,)),
    "Words": Kind(pl.Boolean, ("ja", "nein", "x"), needed={"true_words": ["ja"], "false_words": ["nein"]}),
    "Enum": Kind(pl.Enum(["a", "ab", "abc"]), TEXTS, (C.isin(["a", "ab"]), C.ne("a")), ("a",)),
    "Date": Kind(pl.Date, ("2024-02-29", "2023-02-29", "x"), (C.ge(date(2000, 1, 1)),), (date(2024, 1, 1),)),
    "Layout": Kind(pl.Date, ("29.02.2024", "1.2.2024", "32.01.2024", "x"), needed={"formats": "%d.%m.%Y"}),
    "Datetime": Kind(pl.Datetime("us"), (*MOMENTS[:-2], "2024-05-01 12:00:00", "2024-05-01T12:00:00", "x")),
    "Zoned": Kind(pl.Datetime("ms", "UTC"), (*MOMENTS, "2024-05-01T12:00:00.1234Z", "2024-05-01T12:00:00.1230Z")),
    "Berlin": Kind(pl.Datetime("us", "Europe/Berlin"), MOMENTS),
    "Time": Kind(pl.Time, ("09:30", "09:30:15", "09:30:15.25", "9:30", "24:00", "x")),
    "Duration": Kind(pl.Duration("us"), ("P1D", "PT0.5S", "-P2W", "P1WT1H", "PT1H2S", "P", "P1Y", "PT", "x")),
    "Binary": Kind(pl.Binary, ("", "YQ==", "YR==", "YWI=", "YWJj", "Y", "YQ", "x="), needed={"encoding": "base64"}),
    "List": Kind(pl.List(pl.Int64), ([], [1], [1, None], ["x"], [1.5], *NO_CONTAINER)),
    "Array": Kind(
        pl.Array(pl.Boolean, 2), ([True, False], [True], [None, True], ["x", True], [True] * 3), (), (), DROPS
    ),
    "Struct": Kind(
        STRUCT,
        ({}, {"x": 1}, {"x": None, "d": "2024-01-01"}, {"d": "x"}, {"n": [True, None]}, {"n": [2]}, *NO_CONTAINER),
    ),
}


@st.composite
def columns(draw, kind: Kind) -> pa.Column:
    default = draw(st.sampled_from((None, None, *kind.defaults)))
    checks = draw(st.lists(st.sampled_from(kind.checks), max_size=3, unique_by=id)) if kind.checks else []
    return pa.Column(
        kind.dtype,
        checks=checks,
        nullable=draw(st.booleans()),
        default=default,
        required=any(not check.ignore_na for check in checks) or draw(st.booleans()),
        metadata=kind.needed or draw(st.sampled_from((None, *kind.metadata))),
        title=draw(st.sampled_from((None, "A title"))),
    )


@st.composite
def models(draw, size: int = 15) -> tuple[pa.DataFrameSchema, list[dict[str, Any]]]:
    """A schema of three columns, and records."""
    kinds = [KINDS[draw(st.sampled_from(sorted(KINDS)))] for _ in range(3)]
    declared = {name: draw(columns(kind)) for name, kind in zip("abc", kinds, strict=True)}
    values = {}
    for (name, column), kind in zip(declared.items(), kinds, strict=True):
        values[name] = st.one_of(*[st.sampled_from(kind.values)] * 6, *_others(column))
    strict = draw(st.booleans())
    surplus = st.sampled_from(({}, {}, {}, {"else": 1}))
    record = st.tuples(st.fixed_dictionaries(values), surplus).map(lambda p: {**without_absent(p[0]), **p[1]})
    schema = pa.DataFrameSchema(declared, strict=strict, name="Model", description="One row per thing.")
    return schema, draw(st.lists(record, min_size=size, max_size=size))


def _others(column: pa.Column) -> list[st.SearchStrategy[Any]]:
    """Null and no key, where they mean the same to a validator as to a boundary, to which they are one."""
    is_null_refused = not column.nullable and column.default is None
    if is_null_refused and column.required:
        return [st.none(), st.just(ABSENT)]
    if is_null_refused:
        return []
    return [st.none()] if column.required and column.default is None else [st.none(), st.just(ABSENT)]
