"""Units, held against what pint itself says of each value."""

import pint
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.clean import convert_units
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere

pytestmark = pytest.mark.drawn(2)

REGISTRY = pint.UnitRegistry()
SCHEMA = {"value": pl.Float64, "unit": pl.String}
UNITS = ["kg", "lb", "g", "stone", "degC", "degF", "kelvin", "m", "inch", "mile", "km/h", "knot"]
MEASURES = st.lists(
    st.tuples(st.none() | st.integers(-(10**6), 10**6), st.none() | st.sampled_from([*UNITS, "parsec", "?", ""])),
    min_size=40,
    max_size=80,
)


def frame(rows) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def converted(rows, to, units=UNITS) -> pl.DataFrame:
    plan = frame(rows).lazy().pipe(convert_units, "value", "unit", to=to, units=units, into="done", mark="unknown")
    return plan.collect()


def said(value, unit, to):
    if value is None or unit not in UNITS:
        return None
    try:
        return REGISTRY.Quantity(float(value), unit).to(to).magnitude
    except pint.DimensionalityError:
        return None


@given(MEASURES, st.sampled_from(["kg", "degC", "degF", "m", "km/h"]))
def test_a_measure_is_what_pint_says(rows, to):
    found = converted(rows, to)
    expected = [said(value, unit, to) for value, unit in rows]
    assert found["done"].to_list() == [None if value is None else pytest.approx(value, abs=1e-9) for value in expected]
    marks = [row[0] is not None and value is None for row, value in zip(rows, expected, strict=True)]
    assert found["unknown"].to_list() == marks


@pytest.mark.parametrize(
    ("value", "unit", "to", "expected"),
    [
        (1, "lb", "kg", 0.45359237),
        (1, "mile", "m", 1609.344),
        (32, "degF", "degC", 0.0),
        (-40, "degC", "degF", -40.0),
        (0, "degC", "kelvin", 273.15),
        (5, " kg ", "kg", 5.0),
        (5, "KG", "kg", None),
        (5, "m", "kg", None),
    ],
)
def test_measures_by_example(value, unit, to, expected):
    found = converted([(value, unit)], to)["done"][0]
    assert found is expected or found == pytest.approx(expected, abs=1e-13)


def test_infinities_pass_and_every_type_of_number_is_read():
    found = converted([(float("inf"), "kg"), (float("nan"), "kg")], "g")
    assert str(found["done"].to_list()) == "[inf, nan]"
    for dtype in (pl.Int8, pl.UInt64, pl.Float32, pl.Decimal(10, 2)):
        rows = pl.LazyFrame({"value": pl.Series([2], dtype=dtype), "unit": ["kg"]})
        assert rows.pipe(convert_units, "value", "unit", to="g", units=["kg"], into="g").collect()["g"].to_list() == [
            2000
        ]


def test_it_is_lazy_streams_and_is_the_same_everywhere():
    def transform(rows):
        return rows.pipe(convert_units, "value", "unit", to="kg", units=UNITS, into="done", mark="unknown")

    rows = frame([(float(n), [*UNITS, None, "?"][n % 14]) for n in range(5_000)])
    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(rows.lazy())) == []
    whole = same_everywhere(transform, rows, sort_by=["value"])
    assert whole.select(SCHEMA.keys()).equals(rows)
    assert by_parts(transform, rows, "unit").sort("value").equals(whole)
    assert transform(frame([]).lazy()).collect().schema == SCHEMA | {"done": pl.Float64, "unknown": pl.Boolean}
    assert transform(frame([(None, None)]).lazy()).collect().row(0) == (None, None, None, False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"units": ["kilogrm"]}, "convert_units: pint knows no unit 'kilogrm'; did you mean 'kilogram'"),
        ({"units": ["5 kg"]}, "convert_units: pint knows no unit '5 kg'; "),
        ({"units": ["kg)("]}, "convert_units: pint knows no unit 'kg)('; "),
        (
            {"units": ["dBm"], "to": "mW"},
            (
                "convert_units: 'dBm' does not turn into 'mW' by a factor and a shift; "
                "convert it by an expression of your own"
            ),
        ),
        ({"into": "unit"}, "convert_units: adds the column unit, which is there already; rename or drop it"),
    ],
)
def test_what_is_wrong_is_said_when_the_plan_is_built(options, message):
    with pytest.raises(TransformError) as caught:
        frame([]).lazy().pipe(
            convert_units, "value", "unit", **({"to": "kg", "units": UNITS, "into": "done"} | options)
        )
    assert str(caught.value).startswith(message)


def test_values_that_are_no_numbers_are_refused():
    rows = pl.LazyFrame({"value": ["5"], "unit": ["kg"]})
    with pytest.raises(TransformError) as caught:
        rows.pipe(convert_units, "value", "unit", to="kg", units=["kg"], into="kg")
    assert str(caught.value) == "convert_units: column 'value' is String, expected a number"
