"""Which types hold all values of others: times, texts and nested types, told one by one."""

import polars as pl
import pytest

from framework.registry import holds

S = pl.Struct
HOLDS = [
    (pl.Datetime("us"), pl.Date(), True),
    (pl.Datetime("us", "UTC"), pl.Date(), False),
    (pl.Datetime("ns"), pl.Date(), False),
    (pl.Date(), pl.Datetime("us"), False),
    (pl.Datetime("us"), pl.Datetime("ms"), True),
    (pl.Datetime("ms"), pl.Datetime("us"), False),
    (pl.Datetime("ns"), pl.Datetime("us"), False),
    (pl.Datetime("us"), pl.Datetime("ns"), False),
    (pl.Datetime("us", "UTC"), pl.Datetime("us"), False),
    (pl.Datetime("us", "UTC"), pl.Datetime("ms", "UTC"), True),
    (pl.Datetime("us", "UTC"), pl.Datetime("us", "Europe/Berlin"), False),
    (pl.Duration("us"), pl.Duration("ms"), True),
    (pl.Duration("ms"), pl.Duration("us"), False),
    (pl.Duration("ns"), pl.Duration("ms"), False),
    (pl.Duration("us"), pl.Int64(), False),
    (pl.Enum(["a", "b"]), pl.Enum(["a"]), True),
    (pl.Enum(["a"]), pl.Enum(["a", "b"]), False),
    (pl.Enum(["a"]), pl.String(), False),
    (pl.String(), pl.Enum(["a"]), True),
    (pl.Categorical(), pl.String(), True),
    (pl.String(), pl.Int8(), False),
    (pl.List(pl.Int64), pl.List(pl.Int32), True),
    (pl.List(pl.Int32), pl.List(pl.Int64), False),
    (pl.List(pl.Int64), pl.Array(pl.Int32, 2), True),
    (pl.Array(pl.Int64, 2), pl.List(pl.Int64), False),
    (pl.Array(pl.Int64, 2), pl.Array(pl.Int32, 2), True),
    (pl.Array(pl.Int64, 3), pl.Array(pl.Int32, 2), False),
    (S({"a": pl.Int64}), S({"a": pl.Int32}), True),
    (S({"a": pl.Int32}), S({"a": pl.Int64}), False),
    (S({"a": pl.Int64, "b": pl.Int64}), S({"a": pl.Int64}), False),
    (S({"b": pl.Int64, "a": pl.Int64}), S({"a": pl.Int64, "b": pl.Int64}), False),
    (pl.Float32(), pl.Float16(), True),
    (pl.Float16(), pl.Int8(), True),
    (pl.Float16(), pl.Int16(), False),
    (pl.Int128(), pl.UInt64(), True),
    (pl.Decimal(38, 0), pl.UInt64(), True),
    (pl.Decimal(19, 0), pl.UInt64(), False),
    (pl.Float64(), pl.Decimal(5, 0), False),
    (pl.Binary(), pl.String(), False),
]


@pytest.mark.parametrize(("wide", "narrow", "expected"), HOLDS, ids=str)
def test_a_type_holds_another(wide, narrow, expected):
    assert holds(wide, narrow) is expected
