"""The split at the boundary: who is accepted, who is quarantined with what, and that the counts add up."""

from __future__ import annotations

import json
from datetime import date, datetime
from decimal import Decimal

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.boundary import Known, check, compile_contract
from framework.core.frames import BLANK
from framework.core.source import Reference
from framework.errors import SchemaError
from tests.boundary.checking import MOMENT, hold, located


class Order(pa.DataFrameModel):
    id: int = pa.Field(gt=0)
    product: str
    price: pl.Decimal(9, 2) = pa.Field(ge=0, nullable=True)
    day: pl.Date
    note: str = pa.Field(nullable=True, str_length={"max_value": 5}, raise_warning=True)


GOOD = {"id": "1", "product": "p", "price": "1.50", "day": "2024-01-05", "note": None}


def orders(*changes: dict) -> pl.DataFrame:
    rows = [{**GOOD, **change} for change in changes]
    schema = dict.fromkeys([*GOOD, *(name for row in rows for name in row)], pl.String)
    return pl.DataFrame(rows, schema=schema)


def test_accepted_rows_are_typed_and_keep_their_place():
    outcome = hold(Order, orders({}, {"id": "2", "price": None}))
    assert outcome.accepted.rows() == [
        (1, "p", Decimal("1.50"), date(2024, 1, 5), None, MOMENT, "f.csv", 1),
        (2, "p", None, date(2024, 1, 5), None, MOMENT, "f.csv", 2),
    ]
    assert outcome.rejected.height == 0


def test_every_reason_of_a_row_is_told():
    outcome = hold(
        Order,
        orders({"id": "-1", "product": None}, {"id": "1.5", "price": "1.005", "day": "2024-1-5"}, {"price": "-1"}, {}),
    )
    assert outcome.reasons == {
        1: ["product: must not be empty", "id: must be > 0"],
        2: [
            "id: must be a whole number",
            "price: must be a number with at most 7 digits before the point and 2 after it",
            "day: must be a date like 2024-12-31",
        ],
        3: ["price: must be >= 0"],
    }
    assert outcome.passed == [4]
    assert {k: n for k, n in outcome.tally.broken.items() if n} == {
        "product: must not be empty": 1,
        "id: must be > 0": 1,
        "id: must be a whole number": 1,
        "price: must be a number with at most 7 digits before the point and 2 after it": 1,
        "day: must be a date like 2024-12-31": 1,
        "price: must be >= 0": 1,
    }


def test_quarantined_row_holds_its_raw_values_and_its_place():
    raw = located(orders({"id": " 1", "price": "01.50", "note": 'say "ä"\n'}), "sales/ü.csv")
    row = hold(Order, raw).rejected.row(0, named=True)
    assert (row["source"], row["state"], row["file"], row["file_time"], row["line"]) == (
        "orders",
        "open",
        "sales/ü.csv",
        MOMENT,
        1,
    )
    assert json.loads(row["raw"]) == {**GOOD, "id": " 1", "price": "01.50", "note": 'say "ä"\n'}


def test_malformed_and_blank_lines():
    wrong = pl.Series("_malformed", [None, "too many fields: more than 5", BLANK, None])
    outcome = hold(Order, orders({}, {}, dict.fromkeys(GOOD), {"id": "0"}).with_columns(wrong))
    assert outcome.passed == [1]
    assert outcome.reasons[2][0] == "too many fields: more than 5"
    assert outcome.reasons[4] == ["id: must be > 0"]
    assert (outcome.tally.rows_in, outcome.tally.refused, outcome.tally.blank) == (4, 2, 1)
    assert outcome.tally.broken["the line is malformed"] == 1


def test_warning_is_counted_and_lets_the_row_pass():
    outcome = hold(Order, orders({"note": "too long"}, {"note": "short"}, {"note": "too long", "id": "0"}))
    assert outcome.passed == [1, 2]
    assert outcome.reasons == {3: ["id: must be > 0", "note: must have at most 5 characters"]}
    assert dict(outcome.tally.warnings) == {"note: must have at most 5 characters": 2}


def test_policy_warn_accepts_and_counts_what_breaks_rules_only():
    outcome = hold(Order, orders({"id": "0"}, {"price": "-1"}, {"id": "x"}, {"product": None}), on_invalid="warn")
    assert outcome.passed == [1, 2]
    assert list(outcome.reasons) == [3, 4]
    assert {k: n for k, n in outcome.tally.warnings.items() if n} == {"id: must be > 0": 1, "price: must be >= 0": 1}


def test_policy_drop_counts_and_quarantines_nothing():
    outcome = hold(Order, orders({"id": "0"}, {}), on_invalid="drop")
    assert (outcome.passed, outcome.rejected.height, outcome.tally.refused) == ([2], 0, 1)
    assert outcome.tally.broken["id: must be > 0"] == 1


def test_policy_fail_tells_rows_and_reasons_like_quarantine():
    outcome = hold(Order, orders({"id": "0"}, {}), on_invalid="fail")
    assert (outcome.passed, outcome.reasons) == ([2], {1: ["id: must be > 0"]})


PRODUCTS = Reference("product", "products", "code")
KNOWN = {PRODUCTS: pl.DataFrame({"code": ["p", "q"]})}


def test_row_that_breaks_nothing_but_a_reference_waits():
    outcome = hold(Order, orders({}, {"product": "x"}, {"product": "x", "id": "0"}, {"id": "0"}), known=KNOWN)
    assert outcome.passed == [1]
    assert dict(outcome.rejected.select("line", "state").rows()) == {2: "waiting", 3: "open", 4: "open"}
    assert outcome.reasons == {
        2: ["product: waits for products to know this code"],
        3: ["id: must be > 0"],
        4: ["id: must be > 0"],
    }
    assert (outcome.tally.waiting, outcome.tally.refused) == (1, 3)


def test_empty_reference_is_no_reference():
    class Loose(pa.DataFrameModel):
        product: str = pa.Field(nullable=True)

    frame = pl.DataFrame({"product": [None, "p", "x"]})
    outcome = hold(Loose, frame, known=KNOWN)
    assert outcome.passed == [1, 2]
    missing = hold(Order, orders({"product": None}), known=KNOWN)
    assert missing.reasons == {1: ["product: must not be empty"]}


def test_reference_to_a_table_without_rows_waits():
    empty = {PRODUCTS: pl.DataFrame(schema={"code": pl.String})}
    assert hold(Order, orders({}), known=empty).rejected["state"].to_list() == ["waiting"]


def test_optional_column_that_is_not_there_takes_its_default():
    class Loose(pa.DataFrameModel):
        id: int
        tier: str = pa.Field(default="basic")
        score: float = pa.Field(default=0.5)
        note: str = pa.Field(nullable=True)

    parts = [
        pl.DataFrame({"id": ["1"]}),
        pl.DataFrame(
            {"id": ["2"], "tier": ["gold"], "score": [None], "note": ["n"]}, schema_overrides={"score": pl.Null}
        ),
        pl.DataFrame({"id": [3], "tier": [None], "score": [float("nan")]}, schema_overrides={"tier": pl.String}),
    ]
    outcome = hold(Loose, *parts)
    assert outcome.accepted.select("id", "tier", "score", "note").rows() == [
        (1, "basic", 0.5, None),
        (2, "gold", 0.5, "n"),
        (3, "basic", 0.5, None),
    ]


def test_required_column_that_is_not_there_is_empty_in_every_row():
    outcome = hold(Order, orders({}).drop("product"))
    assert outcome.reasons == {1: ["product: must not be empty"]}


def test_parts_of_different_types_end_up_in_one():
    typed = pl.DataFrame(
        {"id": [2], "product": ["p"], "price": [1.5], "day": [datetime(2024, 1, 5)], "note": [None]},  # noqa: DTZ001
        schema_overrides={"id": pl.Int32, "note": pl.Null},
    )
    outcome = hold(Order, orders({}), typed)
    assert outcome.accepted.select("id", "price", "day").rows() == [
        (1, Decimal("1.50"), date(2024, 1, 5)),
        (2, Decimal("1.50"), date(2024, 1, 5)),
    ]


def test_raw_values_of_typed_files_are_told_as_json():
    typed = pl.DataFrame(
        {
            "id": [0],
            "product": ["p"],
            "price": [float("nan")],
            "day": [datetime(2024, 1, 5, 12)],  # noqa: DTZ001
            "note": [None],
            "blob": [b"\xff"],
            "tags": [["a"]],
            "when": [date(2024, 1, 5)],
            "dec": [Decimal("1.50")],
            "blobs": [[b"a"]],
        }
    )
    row = hold(Order, typed).rejected.row(0, named=True)
    assert row["reasons"] == [
        "price: must be a number with at most 7 digits before the point and 2 after it",
        "day: must be a date like 2024-12-31",
        "id: must be > 0",
    ]
    raw = json.loads(row["raw"])
    assert (raw["id"], raw["product"], raw["tags"]) == (0, "p", ["a"])
    assert (raw["when"], raw["dec"], raw["blob"]) == ("2024-01-05", "1.50", "/w==")


def test_type_that_cannot_become_the_declared_one_is_refused_at_planning():
    with pytest.raises(SchemaError, match=r"^there is no cast from List\(String\) to Date that keeps every value$"):
        hold(Order, pl.DataFrame({"day": [["2024-01-05"]]}))


def test_duplicates_across_parts_are_duplicates():
    class Unique(pa.DataFrameModel):
        id: int = pa.Field(unique=True)

    outcome = hold(
        Unique, located(pl.DataFrame({"id": ["1", "2"]}), "a.csv"), located(pl.DataFrame({"id": ["2"]}), "b.csv")
    )
    assert sorted(outcome.rejected["file"]) == ["a.csv", "b.csv"]


def test_source_is_read_once_for_everything():
    from polars.io.plugins import register_io_source

    opened = []

    def read(with_columns, predicate, n_rows, batch_size):
        opened.append(1)
        rows = located(orders({}, {"id": "0"}, {"product": "x"})).collect()
        rows = rows.filter(predicate) if predicate is not None else rows
        yield rows.select(with_columns) if with_columns is not None else rows

    schema = located(orders({})).collect_schema()
    raw = register_io_source(read, schema=schema, is_pure=True)
    refused = []
    checked = check([raw], compile_contract(Order), source="orders", quarantine=refused.append, known=Known(KNOWN))
    daily = checked.accepted.group_by("day").agg(pl.col("price").sum())
    frames = pl.collect_all([checked.accepted, daily, checked.accepted.select(pl.len())], engine="streaming")
    assert [frame.height for frame in frames] == [1, 1, 1]
    assert opened == [1]
    assert (checked.tally.rows_in, sum(frame.height for frame in refused)) == (3, 2)


VALUES = {
    "id": st.sampled_from(["1", "2", "0", "x", "", " 1", None, "99999999999999999999"]),
    "product": st.sampled_from(["p", "q", "x", None]),
    "price": st.sampled_from(["1.5", "-1", "1.005", "", None, "1e400", "NaN"]),
    "day": st.sampled_from(["2024-01-05", "2024-1-5", "", None]),
    "note": st.sampled_from([None, "short", "much too long"]),
    "_malformed": st.sampled_from([None, None, None, "too many fields: more than 5", BLANK]),
}


@given(
    rows=st.lists(st.fixed_dictionaries(VALUES), min_size=1, max_size=30),
    cut=st.integers(0, 30),
    policy=st.sampled_from(["quarantine", "drop", "warn", "fail"]),
    has_references=st.booleans(),
)
def test_counts_add_up_and_no_row_is_lost_or_doubled(rows, cut, policy, has_references):
    frame = pl.DataFrame(rows, schema=dict.fromkeys(VALUES, pl.String))
    parts = [part for part in (frame.head(cut), frame.slice(cut)) if part.height]
    outcome = hold(Order, *parts, on_invalid=policy, known=KNOWN if has_references else None)
    tally = outcome.tally
    assert tally.rows_in == len(rows)
    assert tally.blank == sum(row["_malformed"] == BLANK for row in rows)
    assert tally.accepted + tally.refused + tally.blank == len(rows)
    assert outcome.rejected["reasons"].list.len().min() in {None, *range(1, 20)}
    assert tally.waiting == outcome.rejected.filter(pl.col("state") == "waiting").height or policy == "drop"
    if policy != "drop":
        counted = outcome.rejected["reasons"].explode().drop_nulls().value_counts()
        told = {k: n for k, n in counted.rows() if not k.startswith("too many fields")}
        broken = {k: n for k, n in tally.broken.items() if n and k != "the line is malformed"}
        assert told == broken
