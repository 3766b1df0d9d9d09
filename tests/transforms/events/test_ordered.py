"""One order only, and rows gathered in it."""

from functools import cmp_to_key
from itertools import groupby

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.events import gather, sort_by
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"b": pl.Int64, "c": pl.String, "a": pl.Float64}
ROWS = st.lists(
    st.tuples(
        st.none() | st.integers(0, 3),
        st.none() | st.sampled_from("xyz"),
        st.none() | st.sampled_from([0.5, 1.5]),
    ),
    max_size=100,
)


def by_rules(rules):
    """The key of an order told as (place, downward, nulls_last) one after the other."""

    def compare(left, right):
        for place, downward, nulls_last in rules:
            x, y = left[place], right[place]
            if x == y:
                continue
            if x is None or y is None:
                return 1 if (x is None) == nulls_last else -1
            return 1 if (x > y) != downward else -1
        return 0

    return cmp_to_key(compare)


def frame(rows) -> pl.LazyFrame:
    return pl.LazyFrame(rows, schema=SCHEMA, orient="row")


@given(ROWS, st.booleans(), st.booleans(), st.randoms())
def test_rows_have_one_order_however_they_come(rows, downward, nulls_last, random):
    shuffled = random.sample(rows, len(rows))
    expected = sorted(rows, key=by_rules([(1, downward, nulls_last), (2, False, nulls_last), (0, False, nulls_last)]))
    for given_rows in (rows, shuffled):
        result = frame(given_rows).pipe(sort_by, "c", descending=downward, nulls_last=nulls_last).collect()
        assert result.rows() == expected


def test_named_ties_are_used_alone_and_each_column_has_its_direction():
    rows = [(1, "x", 0.5), (2, "x", 0.5), (1, "y", 0.5), (1, "x", 1.5)]
    result = frame(rows).pipe(sort_by, ["c", "b"], descending=[False, True], ties="a").collect()
    assert result.rows() == [(2, "x", 0.5), (1, "x", 0.5), (1, "x", 1.5), (1, "y", 0.5)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "d"}, "sort_by: there is no column 'd' (known: a, b, c, thing)"),
        ({"ties": "d"}, "sort_by: there is no column 'd' (known: a, b, c, thing)"),
        ({"columns": []}, "sort_by: `columns` names nothing to sort by"),
        ({"columns": "thing"}, "sort_by: column 'thing' is Object, expected a type with an order"),
        ({"descending": [True, False]}, "sort_by: descending has 2 values for 1 columns"),
    ],
)
def test_an_order_that_cannot_be_is_refused(options, message):
    rows = pl.LazyFrame(schema=SCHEMA | {"thing": pl.Object})
    with pytest.raises(TransformError) as caught:
        sort_by(rows, **{"columns": "a"} | options)
    assert str(caught.value) == message


@given(ROWS, st.randoms())
def test_rows_of_a_key_are_gathered_whole_and_in_order(rows, random):
    ranked = sorted(rows, key=by_rules([(0, False, True), (1, False, True), (2, False, True)]))
    expected = {key: [row[1:] for row in group] for key, group in groupby(ranked, key=lambda row: row[0])}
    shuffled = frame(random.sample(rows, len(rows)))
    structs = shuffled.pipe(gather, ["c", "a"], by="b", order="c").collect()
    assert {key: [(s["c"], s["a"]) for s in found] for key, found in structs.rows()} == expected
    lists = shuffled.pipe(gather, ["c", "a"], by="b", order="c", as_="lists").collect()
    assert {key: list(zip(cs, numbers, strict=True)) for key, cs, numbers in lists.rows()} == expected
    firsts = shuffled.pipe(gather, {"entry": pl.col("c").first(), "last": pl.col("a").last()}, by="b", order=["c", "a"])
    ends = {key: (entry, last) for key, entry, last in firsts.collect().rows()}
    assert ends == {key: (group[0][0], group[-1][1]) for key, group in expected.items()}


def test_the_key_and_the_order_can_be_gathered_too():
    rows = frame([(1, "y", 0.5), (1, "x", 1.5)])
    assert rows.pipe(gather, ["c"], by="b", order="c").collect().rows() == [(1, [{"c": "x"}, {"c": "y"}])]
    assert rows.pipe(gather, ["b"], by="b", order="c").collect().rows() == [(1, [{"b": 1}, {"b": 1}])]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "cc"}, "gather: there is no column 'cc' (did you mean 'c'?)"),
        ({"by": []}, "gather: `by`, `order` and what to gather must each name something"),
        ({"order": []}, "gather: `by`, `order` and what to gather must each name something"),
        ({"columns": {}}, "gather: `by`, `order` and what to gather must each name something"),
        ({"as_": "struct"}, "gather: as_='struct' is unknown; did you mean 'structs'?"),
        ({"into": "b"}, "gather: adds the column b, which is there already; rename or drop it"),
        ({"as_": "lists", "columns": "b"}, "gather: adds the column b, which is there already; rename or drop it"),
    ],
)
def test_what_cannot_be_gathered_is_refused(options, message):
    with pytest.raises(TransformError) as caught:
        gather(pl.LazyFrame(schema=SCHEMA), **{"columns": ["c", "a"], "by": "b", "order": "c"} | options)
    assert str(caught.value) == message


def test_no_rows_are_fine():
    assert frame([]).pipe(sort_by, "a").collect().height == 0
    assert frame([]).pipe(gather, "a", by="b", order="c").collect().height == 0


AGGREGATES = {"entry": pl.col("c").first(), "sum": pl.col("a").sum()}
TRANSFORMS = {
    "sort": (lambda rows: rows.pipe(sort_by, "c"), []),
    "aggregates": (lambda rows: rows.pipe(gather, AGGREGATES, by="b", order="a"), []),
    "structs": (lambda rows: rows.pipe(gather, ["c", "a"], by="b", order="a"), ["in-memory-map"]),
    "lists": (lambda rows: rows.pipe(gather, ["c", "a"], by="b", order="a", as_="lists"), ["in-memory-map"]),
}


@pytest.mark.parametrize("name", TRANSFORMS)
def test_it_is_lazy_and_the_same_on_every_engine_and_in_parts_and_only_lists_leave_the_engine(name):
    transform, left = TRANSFORMS[name]
    rows = pl.DataFrame({"b": [n % 7 if n % 11 else None for n in range(150)], "n": range(150)}).select(
        "b", c=pl.concat_str(pl.lit("c"), pl.col("n") * 7919 % 13), a=pl.col("n") * 31 % 5 / 2
    )
    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(rows.lazy())) == left
    whole = same_everywhere(transform, rows, sort_by=["b"] if name != "sort" else ["c", "a", "b"])
    parts = by_parts(transform, rows, "b")
    assert parts.sort(whole.columns).equals(whole.sort(whole.columns))
