"""Casts and null policies in real runs: what is read, what is refused, what is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import pandera.polars as pa
import polars as pl
import pytest

from framework import Nulls, Pipeline, csv_files, json_files, parquet_files, table
from framework.cli.run_summary import render
from framework.errors import BoundaryError, DefinitionError, Problem
from framework.lake import open_table
from framework.run.compiled import verify
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

if TYPE_CHECKING:
    from framework.core.report import RunReport


class Price(pa.DataFrameModel):
    id: int
    price: Annotated[pl.Decimal, 9, 2] = pa.Field(
        metadata={"decimal_comma": True, "thousands": ".", "currency": ["€", "EUR"], "lossy": "round"}
    )
    sold: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(
        metadata={"formats": "%d.%m.%Y %H:%M", "zone": "Europe/Berlin"}
    )
    kind: Annotated[pl.Enum, ["small", "large"]] = pa.Field(nullable=True, metadata={"null_tokens": ["?"]})
    note: str = pa.Field(nullable=True)


FILE = """id;price;sold;kind;note
1;€ 1.234,50;01.07.2024 14:00;small;a
2;0,995 EUR;01.07.2024 14:00;?;n/a
3;1,2345;01.07.2024 14:00;large;
x;1,2345;01.07.2024 14:00;large;
4;1;31.03.2024 02:30;large;
5;1;27.10.2024 02:30;large;
6;1.23,5;01.07.2024 14:00;huge;
"""
ROUNDED = "price: rounded to fit Decimal(precision=9, scale=2)"
TIME = "sold: must be a time like 31.12.2024 23:59 that the clocks of Europe/Berlin show once"


def run(tmp_path, source, contents: str | bytes = FILE, name: str = "a.csv") -> tuple[RunReport, list[dict], dict]:
    """Run a source into a table; gives the report, the table's rows and the reasons of refused ones by line."""
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / name).write_bytes(contents if isinstance(contents, bytes) else contents.encode())
    space = Workspace(StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / "lake")))
    report = run_in(
        Pipeline("t.p", sources={"rows": source}, outputs=[table("t/rows", of="rows")]), space, RunRequest()
    )
    rows = open_table(space.lake, "t/rows").scan().sort("_source_line").collect().to_dicts()
    held = open_table(space.lake, "_quarantine/t.p").scan().collect()
    return report, rows, dict(held.sort("line").select("line", "reasons").iter_rows())


def test_declared_forms_are_read_and_allowed_losses_are_counted_as_warnings(tmp_path):
    report, rows, refused = run(tmp_path, csv_files("*.csv", schema=Price))
    assert [(r["id"], str(r["price"]), r["kind"], r["note"]) for r in rows] == [
        (1, "1234.50", "small", "a"),
        (2, "1.00", None, "n/a"),
        (3, "1.23", "large", None),
    ]
    assert {r["sold"].isoformat() for r in rows} == {"2024-07-01T12:00:00+00:00"}
    form = "must be a number with at most 7 digits before the point and 2 after it, written like 1.234,5, in € or EUR"
    assert refused == {
        5: ["id: must be a whole number", ROUNDED],
        6: [TIME],
        7: [TIME],
        8: [f"price: {form}", "kind: must be one of small, large"],
    }
    source = report.sources["rows"]
    assert (source.rows_in, source.accepted, source.quarantined) == (7, 3, 4)
    assert source.reasons == {ROUNDED: 3, TIME: 2, "id: must be a whole number": 1, **dict.fromkeys(refused[8], 1)}
    assert f"                  3 x {ROUNDED}" in list(render([report]))


@pytest.mark.parametrize("policy", ["warn", "fail", "drop"])
def test_an_allowed_loss_refuses_no_row_under_any_policy(tmp_path, policy):
    report, rows, refused = run(tmp_path, csv_files("*.csv", schema=Price, on_invalid=policy), FILE[: FILE.index("x;")])
    assert ([r["id"] for r in rows], refused) == ([1, 2, 3], {})
    assert report.sources["rows"].reasons == {ROUNDED: 2}


def test_tokens_of_a_source_hold_for_columns_that_declare_none(tmp_path):
    nulls = Nulls(tokens=["n/a", "huge"], fill={"kind": "small"}, refuse=["note"])
    _, rows, refused = run(tmp_path, csv_files("*.csv", schema=Price, nulls=nulls))
    assert [(r["id"], r["kind"], r["note"]) for r in rows] == [(1, "small", "a")]
    assert refused[3] == refused[4] == [ROUNDED, "note: must not be empty"]
    assert refused[8][1:] == ["kind: must be one of small, large", "note: must not be empty"]


class Score(pa.DataFrameModel):
    id: int
    score: float = pa.Field(nullable=True)


SCORES = '{"id": 1, "score": "NaN"}\n{"id": 2, "score": null}\n{"id": 3}\n{"id": 4, "score": 0.5}\n'


@pytest.mark.parametrize(
    ("nulls", "expected"),
    [
        (Nulls(), ["NaN", None, None, 0.5]),
        (Nulls(nan="null"), [None, None, None, 0.5]),
        (Nulls(nan="refuse"), ["refused", None, None, 0.5]),
        (Nulls(fill={"score": -1}), [-1.0, -1.0, -1.0, 0.5]),
        (Nulls(nan="null", fill={"score": -1}), [-1.0, -1.0, -1.0, 0.5]),
        (Nulls(refuse="score"), ["refused", "refused", "refused", 0.5]),
    ],
    ids=["keep", "null", "refuse nan", "fill", "null and fill", "refuse"],
)
@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_policies_of_a_source_on_nan_and_null(tmp_path, kind, nulls, expected):
    if kind == "json":
        found = run(tmp_path, json_files("*", schema=Score, nulls=nulls), SCORES, "a.json")
    else:
        frame = pl.DataFrame({"id": [1, 2, 3, 4], "score": [float("nan"), None, None, 0.5]})
        frame.write_parquet(tmp_path / "a.parquet")
        content = (tmp_path / "a.parquet").read_bytes()
        found = run(tmp_path, parquet_files("*", schema=Score, nulls=nulls), content, "a.parquet")
    _, rows, refused = found
    scores = {r["id"]: r["score"] for r in rows} | dict.fromkeys(refused, "refused")
    assert [("NaN" if scores[n] != scores[n] else scores[n]) for n in (1, 2, 3, 4)] == expected
    if nulls.nan == "refuse":
        assert refused == {1: ["score: must be of type Float64, not NaN"]}


def test_fail_names_what_the_source_refuses(tmp_path):
    source = json_files("*", schema=Score, on_invalid="fail", nulls=Nulls(refuse=["score"]))
    with pytest.raises(BoundaryError) as caught:
        run(tmp_path, source, SCORES, "a.json")
    assert str(caught.value).splitlines()[:3] == [
        "source 'rows' refuses invalid input, and 3 of 4 rows and 0 of 1 files are invalid:",
        "  score: 3 rows",
        "    3 x must not be empty: 'NaN' (a.json line 1); nothing (a.json line 2); nothing (a.json line 3)",
    ]


def test_policy_that_does_not_fit_the_schema_is_a_problem_of_the_definition():
    nulls = Nulls(nan="drop", fill={"skore": 0, "id": "x"}, refuse=["skore"])
    source = csv_files("*", schema=Score, nulls=nulls)
    pipeline = Pipeline("t.p", sources={"rows": source}, outputs=[table("t/rows", of="rows")])
    where = "source 'rows', nulls"
    assert verify(pipeline) == [
        Problem(where, "fill gives id 'x', which is no Int64"),
        Problem(where, "fill names 'skore', which Score does not have", "did you mean 'score'?"),
        Problem(where, "nan must be one of keep, null, refuse, got 'drop'"),
        Problem(where, "refuse names 'skore', which Score does not have", "did you mean 'score'?"),
    ]


def test_metadata_that_is_wrong_is_named_with_what_is_near():
    class Wrong(pa.DataFrameModel):
        day: pl.Date = pa.Field(metadata={"format": "%d.%m.%Y", "owner": "sales", "zone": "UTC"})
        at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(metadata={"zone": "Europe/Berlni", "formats": "%d.%m."})
        n: int = pa.Field(metadata={"lossy": ["round", "cut", "truncate", "drop_surplus"], "thousands": [".", "ab"]})
        x: Annotated[pl.Decimal, 9, 2] = pa.Field(metadata={"units": {"kg": 0}, "percent": True, "currency": "1€"})
        y: Annotated[pl.Decimal, 9, 2] = pa.Field(metadata={"units": {"g": "0.001"}, "lossy": "round"})
        b: bool = pa.Field(metadata={"true_words": ["x"], "false_words": ["x"], "ambiguous": "earliest"})
        s: str = pa.Field(metadata={"null_tokens": 1, "sensitiv": True, "decimal_comma": True})

    source = csv_files("*", schema=Wrong)
    pipeline = Pipeline("t.p", sources={"rows": source}, outputs=[table("t/rows", of="rows")])
    with pytest.raises(DefinitionError) as caught:
        raise DefinitionError(verify(pipeline))
    assert str(caught.value).splitlines()[1:] == [
        "  - Wrong.at: format '%d.%m.' does not give a whole date and time (name all of its parts)",
        "  - Wrong.at: zone 'Europe/Berlni' is not known (did you mean 'Europe/Berlin' or 'Europe/Vilnius'?)",
        "  - Wrong.b: metadata 'ambiguous' has no meaning for Boolean (drop it, or change the type)",
        "  - Wrong.b: words cannot be true and false: x",
        "  - Wrong.day: metadata 'format' is not known (did you mean 'formats'?)",
        "  - Wrong.day: metadata 'zone' has no meaning for Date (drop it, or change the type)",
        "  - Wrong.n: '.' cannot stand before the decimals and between thousands",
        "  - Wrong.n: loss 'cut' is not known (known: drop_surplus, round, truncate)",
        "  - Wrong.n: loss 'drop_surplus' has no meaning for Int64",
        "  - Wrong.n: losses 'round' and 'truncate' exclude each other",
        "  - Wrong.n: thousands cannot be separated by 'ab' (one character that is no digit, letter or sign)",
        "  - Wrong.s: metadata 'decimal_comma' has no meaning for String (drop it, or change the type)",
        "  - Wrong.s: metadata 'null_tokens' must be text or a list of texts, got 1",
        "  - Wrong.s: metadata 'sensitiv' is not known (did you mean 'sensitive'?)",
        "  - Wrong.x: '1€' cannot be a currency (it would be read as part of the number)",
        "  - Wrong.x: metadata 'percent' must be one of fraction (15% is 0.15), points (15% is 15), got True",
        "  - Wrong.x: metadata 'units' must map units to numbers above 0, got {'kg': 0}",
        "  - Wrong.y: loss 'round' cannot be combined with units that are converted (give the column more places)",
    ]
