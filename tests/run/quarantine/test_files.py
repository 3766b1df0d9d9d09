"""Quarantined rows leave as a file, are corrected there by people and their spreadsheets, and come back."""

import json
import sys
from dataclasses import replace

import fastexcel
import pandera.polars as pa
import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from framework import Pipeline, csv_files, json_files, table
from framework.core.typed import DataFrameModel
from framework.errors import ConfigurationError, SelectionError
from framework.lake.quarantine import Selection
from framework.run.quarantine import files as quarantine_files
from framework.run.quarantine.files import export_rows, guard, read_corrections, unguard
from framework.run.quarantine.mending import Correction, Mended, mend
from framework.run.quarantine.replay import discard
from tests.run.quarantine_shop import Shop


class Order(DataFrameModel):
    id: str
    quantity: int = pa.Field(gt=0)
    note: str = pa.Field(nullable=True)
    card: str = pa.Field(nullable=True, metadata={"sensitive": True})


ORDERS = Pipeline(
    "t.sales",
    sources={"sales": csv_files("sales/*.csv", schema=Order)},
    outputs=[table("sales", of="sales", mode="merge", key="id")],
)
HEADER = "id,quantity,note,card"
KINDS = ["csv", "xlsx"]


@pytest.fixture(scope="session")
def built(tmp_path_factory):
    made = Shop(tmp_path_factory.mktemp("orders"), ORDERS)
    lines = ['007,0,"=1+1",4111', "2,0,-5,", "3,x,plain,4222"]
    made.put("sales/a.csv", "\n".join([HEADER, *lines]) + "\n")
    made.run()
    return made


@pytest.fixture
def shop(built, tmp_path):
    return built.copy(tmp_path)


def load(shop, path, by="ann") -> Mended:
    return mend(shop.desk(), read_corrections(path), by=by, where=path.name)


def cells(path) -> list[dict]:
    """A file as a person sees it."""
    if path.suffix == ".csv":
        return pl.read_csv(path, infer_schema=False).to_dicts()
    return fastexcel.read_excel(path).load_sheet(0, dtypes="string").to_polars().to_dicts()


def edit(path, rows) -> None:
    """Save a file with other cells, as a spreadsheet does."""
    if path.suffix == ".csv":
        pl.DataFrame(rows, infer_schema_length=None).write_csv(path)
        return
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet()
        for at, line in enumerate([list(rows[0]), *(row.values() for row in rows)]):
            for place, value in enumerate(line):
                (sheet.write_string if isinstance(value, str) else sheet.write)(at, place, value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_shows_rows_with_their_values_and_reasons(shop, tmp_path, kind):
    out = tmp_path / f"fix.{kind}"
    assert export_rows(shop.desk(), Selection(), out) == 3
    ids = [shop.id_of(line) for line in (2, 3, 4)]
    facts = {"_state": "open", "_file": "sales/a.csv"}
    broken = {"_reasons": "quantity: must be > 0"}
    assert cells(out) == [
        {
            "_row": f"{ids[0]}-0", **facts, **broken, "_line": "2",
            "id": "007", "quantity": "0", "note": "'=1+1", "card": "***",
        },
        {
            "_row": f"{ids[1]}-0", **facts, **broken, "_line": "3",
            "id": "2", "quantity": "0", "note": "-5", "card": None,
        },
        {
            "_row": f"{ids[2]}-0", **facts, "_reasons": "quantity: must be a whole number", "_line": "4",
            "id": "3", "quantity": "x", "note": "plain", "card": "***",
        },
    ]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_file_that_comes_back_as_it_was_changes_nothing(shop, tmp_path, kind):
    out = tmp_path / f"fix.{kind}"
    export_rows(shop.desk(), Selection(), out)
    before = shop.held()
    assert load(shop, out) == Mended(0, 3)
    edit(out, cells(out))
    assert load(shop, out) == Mended(0, 3)
    assert shop.held() == before


@pytest.mark.parametrize("kind", KINDS)
def test_only_cells_that_changed_count_and_masked_ones_stay(shop, tmp_path, kind):
    out = tmp_path / f"fix.{kind}"
    export_rows(shop.desk(), Selection(), out)
    rows = cells(out)
    rows[0] |= {"quantity": 3 if kind == "xlsx" else "3"}
    rows[2] |= {"quantity": "4", "note": "", "card": "4333"}
    edit(out, rows)
    assert load(shop, out) == Mended(2, 1)
    mended = {r["line"]: json.loads(r["mended"]) for r in shop.held() if r["mended"]}
    assert mended == {
        2: {"id": "007", "quantity": "3", "note": "=1+1", "card": "4111"},
        4: {"id": "3", "quantity": "4", "note": None, "card": "4333"},
    }
    shop.replay(states=("mended",))
    assert shop.table("id", "quantity", "note", "card") == [("007", 3, "=1+1", "4111"), ("3", 4, None, "4333")]


def test_a_file_loaded_twice_changes_nothing_the_second_time(shop, tmp_path):
    out = tmp_path / "fix.csv"
    export_rows(shop.desk(), Selection(), out)
    out.write_text(out.read_text(encoding="utf-8").replace(",0,-5", ",5,-5"), encoding="utf-8")
    assert load(shop, out) == Mended(1, 2)
    assert load(shop, out) == Mended(0, 3)
    shop.replay(states=("mended",))
    assert load(shop, out) == Mended(0, 3)
    out.write_text(out.read_text(encoding="utf-8").replace(",5,-5", ",6,-5"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"it was released by run \w+ at .* UTC, so there is nothing to mend"):
        load(shop, out)


def test_with_reveal_the_values_of_sensitive_columns_are_there(shop, tmp_path):
    export_rows(shop.desk(), Selection(ids=(shop.id_of(2),)), tmp_path / "fix.csv", reveal=True)
    assert [row["card"] for row in cells(tmp_path / "fix.csv")] == ["4111"]


def test_where_the_definitions_are_gone_all_is_masked(shop, tmp_path):
    export_rows(replace(shop.desk(), pipeline=None, known={}), Selection(), tmp_path / "fix.csv")
    seen = cells(tmp_path / "fix.csv")
    assert {row["note"] for row in seen} == {row["quantity"] for row in seen} == {"***"}
    assert [row["card"] for row in seen] == ["***", None, "***"]


def test_two_people_who_mend_the_same_row_are_told_and_nothing_is_lost(shop, tmp_path):
    for name in ("ann", "bob"):
        export_rows(shop.desk(), Selection(), tmp_path / f"{name}.csv")
    anns, bobs = (tmp_path / f"{name}.csv" for name in ("ann", "bob"))
    anns.write_text(anns.read_text().replace(",0,-5", ",5,-5"))
    bobs.write_text(bobs.read_text().replace(",0,-5", ",50,-5").replace(",x,", ",7,"))
    load(shop, anns, by="ann")
    before = shop.held()
    with pytest.raises(ConfigurationError) as caught:
        load(shop, bobs, by="bob")
    at = before[1]["changed_at"]
    assert str(caught.value) == (
        "1 problem in bob.csv (2 rows would change, 1 would not); nothing was changed:\n"
        f"  - row {shop.id_of(3)}: it was mended by ann at {at:%Y-%m-%d %H:%M} UTC, after this file was written;"
        " export it again"
    )
    assert shop.held() == before


def test_everything_that_is_wrong_with_a_file_is_said_at_once(shop, tmp_path):
    out = tmp_path / "fix.csv"
    export_rows(shop.desk(), Selection(), out)
    rows = cells(out)
    first, second, third = (row["_row"] for row in rows)
    discard(shop.desk(), Selection(ids=(second.partition("-")[0],)), by="bob")
    shop.queue(ids=(third.partition("-")[0],))
    rows = [{**row, "quantity": "9", "amount": ""} for row in [*rows, rows[0]]]
    rows.append({**rows[0], "_row": "q000000000000-0"})
    rows.append({**rows[0], "_row": None})
    edit(out, rows)
    with pytest.raises(ConfigurationError) as caught:
        load(shop, out)
    row = {one["id"]: one for one in shop.held()}
    when = [f"{row[one.partition('-')[0]]['changed_at']:%Y-%m-%d %H:%M} UTC" for one in (second, third)]
    a, b, c = (one.partition("-")[0] for one in (first, second, third))
    assert str(caught.value).splitlines() == [
        "6 problems in fix.csv (3 rows would change, 3 would not); nothing was changed:",
        f"  - row {a}: it is there 2 times",
        "  - column 'amount': sales has none by that name; known: card, id, note, quantity",
        f"  - row {b}: it was discarded by bob at {when[0]}, after this file was written; export it again",
        f"  - row {c}: it was queued by ann at {when[1]}, after this file was written; export it again",
        "  - row q000000000000: there is no such row",
        "  - row '': there is no such row",
    ]
    assert not any(one["mended"] for one in shop.held())


NO_EXPORT = "; expected a file that `sluice quarantine export` wrote"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("id,quantity\n1,2\n", f"fix.csv: it has no column _row{NO_EXPORT}"),
        ("", "fix.csv: cannot be read as CSV: empty CSV"),
        ("_row,id,id\nq1,2,3\n", f"fix.csv: it has two columns called id{NO_EXPORT}"),
        ("_row,id\nq1,2,3\n", "fix.csv: cannot be read as CSV: "),
        (b"_row,id\nq1,\xfc\n", "fix.csv: no UTF-8 at byte 11; save it as 'CSV UTF-8', or use a workbook (.xlsx)"),
    ],
)  # fmt: skip
def test_a_file_that_is_none_is_refused(tmp_path, content, message):
    path = tmp_path / "fix.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError) as caught:
        read_corrections(path)
    assert str(caught.value).removeprefix(f"{tmp_path}/").startswith(message)


def test_a_file_that_is_not_there_or_of_another_kind_is_refused(shop, tmp_path):
    with pytest.raises(ConfigurationError, match=r"fix\.csv: there is no such file$"):
        read_corrections(tmp_path / "fix.csv")
    with pytest.raises(ConfigurationError, match=r"fix\.ods: expected a name that ends in \.csv or \.xlsx$"):
        export_rows(shop.desk(), Selection(), tmp_path / "fix.ods")
    (tmp_path / "bad.xlsx").write_text("no workbook")
    with pytest.raises(ConfigurationError, match=r"bad\.xlsx: cannot be read as a workbook: "):
        read_corrections(tmp_path / "bad.xlsx")


def test_a_file_that_is_there_is_not_written_over(shop, tmp_path):
    (tmp_path / "fix.csv").write_text("two hours of work")
    with pytest.raises(ConfigurationError, match="is there already, perhaps with somebody's corrections"):
        export_rows(shop.desk(), Selection(), tmp_path / "fix.csv")
    assert (tmp_path / "fix.csv").read_text() == "two hours of work"


def test_nothing_to_write_is_said(shop, tmp_path):
    with pytest.raises(SelectionError, match=r"no row of t\.sales's quarantine is meant"):
        export_rows(shop.desk(), Selection(reason="nothing like it"), tmp_path / "fix.csv")
    assert not (tmp_path / "fix.csv").exists()


@pytest.mark.parametrize("library", ["xlsxwriter", "fastexcel"])
def test_without_the_extra_a_workbook_is_refused_by_name(shop, tmp_path, monkeypatch, library):
    monkeypatch.setitem(sys.modules, library, None)
    (tmp_path / "old.xlsx").write_text("")

    def use():
        if library == "fastexcel":
            read_corrections(tmp_path / "old.xlsx")
        else:
            export_rows(shop.desk(), Selection(), tmp_path / "new.xlsx")

    with pytest.raises(ConfigurationError) as caught:
        use()
    assert str(caught.value).endswith(
        f'workbooks need the library {library}; install it: pip install "sluice[excel]", or use a CSV file'
    )


def test_what_a_sheet_cannot_hold_is_refused_and_fits_a_csv_file(tmp_path):
    shop = Shop(tmp_path, ORDERS)
    shop.put("sales/a.csv", f"{HEADER}\n1,0,{'x' * 32_768},\n")
    shop.run()
    with pytest.raises(ConfigurationError, match=r"a value of 32,768 characters where a sheet holds 32,767 characters"):
        export_rows(shop.desk(), Selection(), tmp_path / "fix.xlsx")
    assert not (tmp_path / "fix.xlsx").exists()
    export_rows(shop.desk(), Selection(), tmp_path / "fix.csv")
    assert load(shop, tmp_path / "fix.csv") == Mended(0, 1)


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_spreadsheet_may_write_another_delimiter_and_move_columns(shop, tmp_path, delimiter):
    path = tmp_path / "fix.csv"
    path.write_text(f"quantity{delimiter}_row\n8{delimiter}{shop.id_of(3)}-0\n{delimiter}\n", encoding="utf-8-sig")
    assert load(shop, path) == Mended(1, 0)
    assert json.loads(shop.held(ids=(shop.id_of(3),))[0]["mended"])["quantity"] == "8"


def test_lists_and_objects_are_written_and_read_as_json(tmp_path):
    class Basket(DataFrameModel):
        id: int = pa.Field(gt=0)
        items: list[str]

    baskets = json_files("sales/*.json", schema=Basket)
    shop = Shop(
        tmp_path, Pipeline("t.sales", sources={"sales": baskets}, outputs=[table("sales", of="sales", mode="append")])
    )
    shop.put("sales/a.json", '[{"id": 0, "items": ["a", "b,c"]}, {"id": 0, "items": ["d"]}]')
    shop.run()
    first, second = (row["id"] for row in shop.held())
    export_rows(shop.desk(), Selection(), tmp_path / "fix.csv")
    assert [row["items"] for row in cells(tmp_path / "fix.csv")] == ['["a", "b,c"]', '["d"]']
    wanted = "column 'items' holds lists or objects, to be given as JSON"
    given = [Correction(first, {"items": '["z"', "id": "1"}), Correction(second, {"items": '{"k": 1}'})]
    with pytest.raises(ConfigurationError) as caught:
        mend(shop.desk(), given, by="ann", where="a test")
    assert str(caught.value).splitlines()[1:] == [
        f"  - row {first}: {wanted}: Expecting ',' delimiter: line 1 column 5 (char 4)",
        f"  - row {second}: {wanted}: expected a list, got " + '{"k": "1"}',
    ]
    mend(shop.desk(), [Correction(first, {"items": '["z", "y"]', "id": "1"})], by="ann", where="a test")
    shop.replay(states=("mended",))
    assert shop.table("id", "items") == [(1, ["z", "y"])]


def test_values_put_back_as_they_were_read_open_the_row_again(shop):
    shop.mend(3, quantity="5")
    assert shop.mend(3, quantity="0").changed == 1
    row = shop.held(ids=(shop.id_of(3),))[0]
    assert (row["state"], row["mended"], len(row["trail"])) == ("open", None, 2)


@given(st.text())
def test_guarded_text_comes_back_and_begins_no_formula(text):
    guarded = guard(text)
    assert unguard(guarded) == text
    assert not guarded.startswith(("=", "@", "\t", "\r", "\n"))
    if guarded.startswith(("+", "-")):
        float(guarded.replace(",", "."))


CELLS = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]) | st.sampled_from("=+-@'\"\t\n,; 0é"), max_size=12
)


@pytest.mark.parametrize("kind", KINDS)
def test_any_text_comes_back_from_a_file_as_it_was(tmp_path_factory, kind):
    @given(st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5))
    def holds(values):
        path = tmp_path_factory.mktemp("sheet") / f"fix.{kind}"
        sheet = pl.DataFrame({
            "_row": [f"q{n:012}-0" for n in range(len(values))],
            "a": [guard(a) for a, _ in values],
            "b": [guard(b) for _, b in values],
        })  # fmt: skip
        if kind == "csv":
            sheet.write_csv(path, include_bom=True)
        else:
            quarantine_files._write_workbook(sheet, path)
        found = [(c.cells["a"] or "", c.cells["b"] or "") for c in read_corrections(path)]
        assert found == values

    holds()
