"""What all cleaners of text promise: lazy, streaming, the same everywhere, nothing raised, nulls told apart."""

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from framework.errors import TransformError
from framework.transforms.clean import clean_country, clean_email, clean_name, clean_phone, clean_text, null_tokens
from framework.transforms.clean import columns as clean_columns
from tests.transforms.clean.naughty import NAUGHTY
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere

pytestmark = pytest.mark.drawn(2)

SCHEMA = {"id": pl.Int64, "raw": pl.String, "region": pl.String}
MARKED = {
    "null_tokens": lambda rows: rows.pipe(null_tokens, "raw", mark="bad"),
    "clean_name": lambda rows: rows.pipe(clean_name, "raw", mark="bad"),
    "clean_email": lambda rows: rows.pipe(clean_email, "raw", mark="bad"),
    "folded email": lambda rows: rows.pipe(
        clean_email, "raw", mark="bad", lower_local=True, drop_tag=True, fold_gmail=True
    ),
    "clean_phone": lambda rows: rows.pipe(clean_phone, "raw", region="AT", region_by="region", mark="bad"),
    "clean_country": lambda rows: rows.pipe(clean_country, "raw", mark="bad"),
}
ALL = MARKED | {
    "clean_text": lambda rows: rows.pipe(clean_text, "raw"),
    "folded text": lambda rows: rows.pipe(clean_text, "raw", case="lower", form="NFKC"),
}
every = pytest.mark.parametrize("transform", ALL.values(), ids=ALL.keys())
marked = pytest.mark.parametrize("transform", MARKED.values(), ids=MARKED.keys())


def naughty() -> pl.DataFrame:
    regions = [None, "", "DE", "de ", "ZZ", "\x00", "United Kingdom"]
    rows = [(place, text, regions[place % len(regions)]) for place, text in enumerate(NAUGHTY)]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@every
def test_it_is_lazy_and_streams(transform):
    assert_lazy(transform, SCHEMA)
    assert fallbacks(transform(naughty().lazy())) == []


@every
def test_naughty_text_raises_nothing_and_the_result_is_the_same_everywhere(transform):
    whole = same_everywhere(transform, naughty(), sort_by=["id"])
    assert_frame_equal(whole, by_parts(transform, naughty(), "region"), check_row_order=False)


@every
def test_rows_keep_their_number_order_and_columns(transform):
    many = pl.concat([naughty()] * 200).with_columns(id=pl.int_range(pl.len()))
    assert transform(many.lazy()).collect().select(SCHEMA.keys()).equals(many)


@every
def test_cleaning_twice_changes_nothing_more(transform):
    # The capital of ŉ is two letters, of which a name keeps the second one small.
    rows = naughty().filter(pl.col("raw").ne_missing("ŉ"))
    once = transform(rows.lazy()).select("id", "region", raw="raw_clean")
    again = transform(once).collect()
    assert again["raw_clean"].to_list() == again["raw"].to_list()


@every
@pytest.mark.parametrize("height", [0, 3])
def test_an_empty_frame_and_a_column_of_nulls_give_the_same_columns(transform, height):
    rows = pl.DataFrame({name: [None] * height for name in SCHEMA}, schema=SCHEMA)
    found = transform(rows.lazy()).collect()
    assert found.schema["raw_clean"] == pl.String
    assert found["raw_clean"].null_count() == height
    assert found.schema == transform(rows.lazy()).collect_schema()


@marked
def test_the_mark_tells_what_could_not_be_cleaned_from_what_was_null(transform):
    found = transform(naughty().lazy()).collect()
    expected = found["raw"].is_not_null() & found["raw_clean"].is_null()
    assert found["bad"].to_list() == expected.to_list()
    assert found["bad"].any()
    assert not found["bad"].all()


@every
@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"row": pl.String, "region": pl.String}, "there is no column 'raw' (did you mean 'row'?)"),
        (
            {"raw": pl.Int64, "region": pl.String},
            "column 'raw' is Int64, expected String: cast it, `pl.col(...).cast(pl.String)`",
        ),
        (SCHEMA | {"raw_clean": pl.String}, "adds the column raw_clean, which is there already; rename or drop it"),
    ],
)
def test_what_is_wrong_with_the_columns_is_said_when_the_plan_is_built(transform, schema, message):
    with pytest.raises(TransformError) as caught:
        transform(pl.LazyFrame(schema=schema))
    assert str(caught.value).split(": ", 1)[1] == message


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"into": "a"}, "null_tokens: into gives 1 names for 2 columns; give one for each"),
        ({"mark": ["a"]}, "null_tokens: mark gives 1 names for 2 columns; give one for each"),
        ({"into": ["a", "a"]}, "null_tokens: adds the column a twice; give each column a name of its own"),
        (
            {"into": ["a", "b"], "mark": ["b", "c"]},
            "null_tokens: adds the column b twice; give each column a name of its own",
        ),
    ],
)
def test_several_columns_need_as_many_names_all_different(options, message):
    with pytest.raises(TransformError) as caught:
        pl.LazyFrame(schema=SCHEMA).pipe(null_tokens, ["raw", "region"], **options)
    assert str(caught.value) == message


def test_a_library_that_is_not_installed_is_named_with_its_extra():
    with pytest.raises(TransformError) as caught:
        clean_columns.library("no_such_library", "clean_phone")
    expected = 'clean_phone: needs the library no_such_library; install it: pip install "sluice[clean]"'
    assert str(caught.value) == expected
