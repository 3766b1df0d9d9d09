"""Frames made from schemas: every row of every frame is accepted, by the boundary and by Pandera."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from datetime import date
from decimal import Decimal
from typing import Annotated

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st

from framework.errors import ConfigurationError, SchemaError
from framework.testing import adversarial, frames
from framework.testing.patterns import as_python
from framework.testing.recipes import read_recipe, verdicts
from framework.testing.values import Limits, beyond, cells, to_ordinal, to_series
from tests.boundary.parity.judging import pandera_says, sluice_says
from tests.boundary.parity.kinds import KINDS, NESTED, TWINS, checks, declared_type

pytestmark = pytest.mark.drawn(4)

FEW = settings(
    derandomize=True,
    database=None,
    max_examples=6,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
SCHEMAS = [
    pytest.param(schema, id=f"{name}.{schema.__name__}")
    for name in ("features", "marketing", "retail")
    for module in [importlib.import_module(f"schemas.{name}")]
    for schema in vars(module).values()
    if inspect.isclass(schema) and issubclass(schema, pa.DataFrameModel) and schema.__module__ == module.__name__
]


def drawn(strategy, examples=30):
    """Some frames of a strategy."""
    found = []

    @settings(FEW, max_examples=examples)
    @given(strategy)
    def collect(frame):
        found.append(frame)

    collect()
    return found


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_row_of_a_schema_s_frames_is_accepted_by_the_boundary_and_by_pandera(schema):
    @settings(FEW, max_examples=3)
    @given(frames(schema) | adversarial(schema))
    def accepted(frame):
        assert not sluice_says(schema, frame).refused
        verdict = pandera_says(schema.to_schema(), frame)
        assert not verdict.refused
        assert not verdict.is_broken

    accepted()


@st.composite
def schemas(draw, kind):
    """A schema of two columns of a kind, with checks that may exclude each other."""
    columns = {
        name: pa.Column(
            declared_type(kind),
            checks=draw(st.lists(checks(kind), max_size=2)),
            nullable=draw(st.booleans()),
            unique=draw(st.sampled_from([False, False, True])),
        )
        for name in "ab"
    }
    return pa.DataFrameSchema(columns, unique=draw(st.sampled_from([None, ["a", "b"]])))


@pytest.mark.filterwarnings("ignore:'U?Int128' support", "ignore:'Float16' support")  # Pandera's word on new types
@pytest.mark.parametrize("name", [*KINDS, *TWINS])
@settings(FEW, max_examples=3)
@given(data=st.data())
def test_every_row_of_a_generated_schema_s_frames_is_accepted(name, data):
    kind = KINDS[name] if name in KINDS else TWINS[name][0]
    schema = data.draw(schemas(kind))
    try:
        frame = data.draw(frames(schema, rows=(0, 8)))
    except SchemaError as error:  # checks such as `== 1` and `!= 1` leave nothing
        assert "no rows of schema could be made: of " in str(error)  # noqa: PT017 - or there are frames
        return
    assert dict(frame.schema) == dict.fromkeys("ab", kind.dtype)
    assert not sluice_says(schema, frame).refused
    if name in KINDS and not (kind.dtype.is_float() or " in {" in str(schema)):
        assert not pandera_says(schema, frame).refused


@pytest.mark.parametrize("name", NESTED)
def test_nested_columns_are_made_too(name):
    schema = pa.DataFrameSchema({"x": pa.Column(NESTED[name].dtype, nullable=True)})
    found = drawn(adversarial(schema), examples=10)
    assert {frame.schema["x"] for frame in found} == {NESTED[name].dtype}
    assert not any(sluice_says(schema, frame).refused for frame in found)


class Sold(pa.DataFrameModel):
    code: str = pa.Field(str_startswith="A", str_endswith="z", str_length={"min_value": 4, "max_value": 6})
    word: str = pa.Field(str_contains=r"x\d")
    price: Annotated[pl.Decimal, 6, 2] = pa.Field(in_range={"min_value": 1, "max_value": 2, "include_min": False})
    rate: float = pa.Field(nullable=True)
    sold: pl.Date = pa.Field(ge=date(2030, 1, 1), lt=date(2030, 1, 3))


def test_values_are_built_from_the_checks_not_found_by_chance():
    rows = pl.concat(drawn(frames(Sold, rows=(1, 9)), examples=60))
    assert rows["code"].str.contains("^A.{2,4}z$").all()
    assert rows["word"].str.contains(r"x\d").all()
    assert rows["price"].min() == Decimal("1.01")
    assert rows["price"].max() == Decimal("2.00")
    assert set(rows["sold"]) == {date(2030, 1, 1), date(2030, 1, 2)}
    assert rows["rate"].is_nan().any()
    assert rows["rate"].null_count() > 0


class NoNan(pa.DataFrameModel):
    rate: float = pa.Field(nullable=True, metadata={"nan": "refuse"})
    other: float


def test_nan_is_left_out_where_the_schema_refuses_it():
    rows = pl.concat(drawn(adversarial(NoNan, rows=(1, 9)), examples=150))
    assert not rows.select(pl.all().is_nan().any()).row(0)[0]
    assert not rows["other"].is_nan().any()
    asked = settings(FEW, max_examples=3_000)
    assert find(adversarial(NoNan, rows=(1, 9)), lambda some: some["other"].is_infinite().any(), settings=asked).height


class Counted(pa.DataFrameModel):
    a: int
    b: int
    c: int
    kind: str = pa.Field(isin=["in", "out"])

    @pa.dataframe_check(error="order")
    def in_order(cls, data):  # noqa: N805
        return data.lazyframe.select((pl.col("a") < pl.col("b")) & (pl.col("b") < pl.col("c")))

    @pa.dataframe_check(error="sign")
    def sign(cls, data):  # noqa: N805
        return data.lazyframe.select((pl.col("a") < 0) == (pl.col("kind") == "out"))


def test_rows_are_mended_where_rules_tie_columns_together():
    found = drawn(frames(Counted, rows=(0, 12)), examples=60)
    assert sum(frame.height for frame in found) > 60
    rows = pl.concat(found)
    assert rows.select(((pl.col("a") < pl.col("b")) & (pl.col("b") < pl.col("c"))).all()).item()
    assert set(rows["kind"]) == {"in", "out"}


class Iban(pa.DataFrameModel):
    iban: str

    @pa.check("iban", element_wise=True, error="must be an IBAN")
    def is_iban(cls, value):  # noqa: N805
        return len(value) == 22 and value.startswith("DE")


def test_a_rule_that_nothing_can_be_built_from_is_named_with_the_ways_out():
    with pytest.raises(SchemaError) as caught:
        drawn(frames(Iban))
    tried = str(caught.value).split("of ")[2].split()[0]
    assert str(caught.value) == (
        f"no rows of Iban could be made: of {tried} tried 0 keep to 'iban: must be an IBAN'; give values to draw from:"
        " frames(Iban, overrides={'column': strategy}), or in the schema pa.Field(metadata={'examples': [...]})"
    )
    assert int(tried) > 100


def test_overrides_and_examples_in_the_schema_say_what_is_drawn():
    known = "DE" + "0" * 20
    assert set(pl.concat(drawn(frames(Iban, rows=(1, 2), overrides={"iban": st.just(known)})))["iban"]) == {known}

    class Documented(Iban):
        iban: str = pa.Field(metadata={"examples": [known, "no"]})

    assert set(pl.concat(drawn(frames(Documented, rows=(1, 2))))["iban"]) == {known}
    with pytest.raises(
        SchemaError, match=r"^overrides names 'ibn', which is no column of Iban; did you mean 'iban'\?$"
    ):
        frames(Iban, overrides={"ibn": st.just(known)})


class Few(pa.DataFrameModel):
    number: int = pa.Field(unique=True, ge=1, le=3)


def test_too_few_values_that_are_unique_are_said_so():
    assert max(frame.height for frame in drawn(frames(Few))) == 3
    with pytest.raises(SchemaError, match="keep to 'number: must be unique'"):
        drawn(frames(Few, rows=(4, 5)))


class Keyed(pa.DataFrameModel):
    a: str = pa.Field(isin=["x", "y"])
    b: str = pa.Field(isin=["x", "y"])

    class Config:
        unique = ("a", "b")


def test_keys_of_several_columns_are_kept_apart():
    assert max(frame.height for frame in drawn(frames(Keyed, rows=(3, 4)))) == 4


class Mean(pa.DataFrameModel):
    number: int = pa.Field(isin=[1, 2, 3])

    @pa.check("number", error="mean of 2")
    def mean(cls, data):  # noqa: N805
        return data.lazyframe.select(pl.col("number").mean() == 2)


def test_rules_over_the_whole_batch_are_tried_and_named_when_they_cannot_be_met():
    assert all(frame["number"].mean() in {2, None} for frame in drawn(frames(Mean)))

    class Impossible(Mean):
        @pa.check("number", error="sum above a million")
        def total(cls, data):  # noqa: N805
            return data.lazyframe.select(pl.col("number").sum() > 1_000_000)

    with pytest.raises(SchemaError, match="0 keep to 'number: sum above a million'"):
        drawn(frames(Impossible, rows=(1, 9)))


def test_frames_that_need_not_be_valid_have_the_types_and_break_rules():
    found = drawn(frames(Few, valid=False, rows=(1, 6)))
    assert {frame.schema["number"] for frame in found} == {pl.Int64}
    assert any(sluice_says(Few, frame).refused for frame in found)


class Anything(pa.DataFrameModel):
    number: int = pa.Field(nullable=True)
    text: str
    at: Annotated[pl.Datetime, "us", "UTC"]


FORGOTTEN = {
    "no rows": lambda rows: rows.height == 0,
    "one row": lambda rows: rows.height == 1,
    "nothing but nulls": lambda rows: rows.height > 1 and rows["number"].null_count() == rows.height,
    "one group": lambda rows: rows.height > 1 and all(column.n_unique() == 1 for column in rows),
    "many groups": lambda rows: rows["at"].n_unique() > 11,
    "the largest number": lambda rows: (rows["number"] == 2**63 - 1).any(),
    "the empty text": lambda rows: "" in rows["text"],
    "combining characters": lambda rows: "e\u0301" in rows["text"],
    "a change of clocks": lambda rows: (
        rows["at"].dt.date().eq(date(2024, 3, 31)) & rows["at"].dt.hour().is_in([0, 1, 2])
    ).any(),
}


@pytest.mark.parametrize("what", FORGOTTEN)
def test_what_code_forgets_is_among_adversarial_frames(what):
    find(adversarial(Anything), FORGOTTEN[what], settings=settings(FEW, max_examples=600))


@pytest.mark.parametrize("dtype", [pl.Int8, pl.UInt64, pl.Int128, pl.Decimal(38, 2), pl.Decimal(3, 3), pl.Time])
def test_extreme_values_of_a_type_are_values_of_it(dtype):
    whole = dtype() if isinstance(dtype, type) else dtype
    found = drawn(st.lists(cells(whole, "extreme"), min_size=1, max_size=4), examples=30)
    assert all(to_series("x", cells_of, whole).null_count() == 0 for cells_of in found)


def test_patterns_of_rust_are_read_as_python_means_them():
    assert as_python(r"(?i)a\$[$\]]b$|\z") == r"(?i)a\$[$\]]b\Z|\Z"


def test_rules_of_columns_are_told_from_those_of_rows():
    recipe = read_recipe(Counted)
    assert [rule.reason for rule in recipe.of_column("kind")] == [
        "kind: must not be empty",
        "kind: must be one of ['in', 'out']",
    ]
    found = verdicts(recipe.frame([[1, 2, 3, "in"], [1, 1, 3, "in"]]), recipe.rules)
    assert [sum(row) for row in found.iter_rows()] == [len(recipe.rules), len(recipe.rules) - 1]


def test_rows_must_be_a_range():
    with pytest.raises(ConfigurationError) as caught:
        frames(Few, rows=(3, 1))
    text = "rows=(3, 1): expected the least and the largest number of rows, such as (0, 30)"
    assert str(caught.value) == text


def test_without_hypothesis_the_error_says_what_to_install():
    code = (
        "import sys; sys.modules['hypothesis'] = None\n"
        "try:\n    from framework.testing import frames\n"
        "except Exception as error:\n    print(type(error).__name__, error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    text = 'frames from schemas need the library hypothesis; install it: pip install "sluice[testing]"'
    assert done.stdout == f"ConfigurationError {text}\n"


@pytest.mark.parametrize(
    ("value", "dtype", "up", "ordinal"),
    [
        (0.5, pl.Int64(), True, 1),
        (0.5, pl.Int64(), False, 0),
        (Decimal("1.005"), pl.Decimal(9, 2), True, 101),
        (Decimal("1.005"), pl.Decimal(9, 2), False, 100),
        (date(1970, 1, 3), pl.Date(), True, 2),
        ("b", pl.String(), True, None),
        (float("nan"), pl.Float64(), True, None),
        (0.1, pl.Float64(), True, 0.1),
    ],
)
def test_limits_of_checks_are_moved_to_values_that_the_type_has(value, dtype, up, ordinal):
    assert to_ordinal(value, dtype, up=up) == ordinal


@pytest.mark.parametrize("reach", ["usual", "edge", "extreme"])
@pytest.mark.parametrize("dtype", [pl.Int64(), pl.Date(), pl.Duration("us"), pl.Float64()])
@pytest.mark.parametrize("limits", [Limits(5_000, None), Limits(None, -5_000), Limits(-5_001, -5_000)])
def test_values_lie_within_limits_however_far_from_what_is_usual(dtype, limits, reach):
    found = drawn(cells(dtype, reach, limits), examples=15)
    assert all((limits.least is None or limits.least <= x) and (limits.most is None or x <= limits.most) for x in found)


def test_nothing_lies_beyond_the_ends_of_a_type():
    assert list(beyond(pl.UInt8(), Limits(0, 255))) == []
    assert list(beyond(pl.UInt8(), Limits(1, 254))) == [0, 255]
    assert list(beyond(pl.Decimal(3, 2), Limits(-999, 100))) == [Decimal("1.01")]
    assert list(beyond(pl.String(), Limits(1, 2))) == []
