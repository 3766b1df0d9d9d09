"""`sluice quarantine`: rows are exported, mended, replayed, discarded and pruned from the command line."""

import json
import subprocess
import sys

import pytest

pytestmark = pytest.mark.drawn(2)


def held(sluice, at, *flags):
    return json.loads(sluice("quarantine", "show", "shop.orders", "--json", *flags, cwd=at).stdout)["rows"]


def ids(sluice, at):
    """The ids of the two refused orders: one of quantity -2, one of a product that is not known."""
    return [row["id"] for row in held(sluice, at)]


def test_rows_are_exported_mended_and_replayed(sluice, ran):
    first, second = ids(sluice, ran)
    done = sluice("quarantine", "export", "shop.orders", "--out", "fix.csv", cwd=ran)
    assert (done.returncode, done.stdout) == (0, "fix.csv: 2 rows\n")
    assert done.stderr == "next: correct it, then sluice quarantine mend shop.orders fix.csv\n"
    fix = ran / "fix.csv"
    assert fix.read_text(encoding="utf-8-sig").splitlines()[0] == (
        "_row,_state,_reasons,_file,_line,order_id,day,product,quantity,unit_price"
    )
    fix.write_text(fix.read_text().replace("bananas", "pears"))
    done = sluice("quarantine", "mend", "shop.orders", "fix.csv", cwd=ran)
    assert (done.returncode, done.stdout) == (0, "1 row mended, 1 as they were\n")
    assert done.stderr == "next: sluice quarantine replay shop.orders --state mended\n"
    done = sluice("quarantine", "replay", "shop.orders", "-q", cwd=ran)
    assert done.returncode == 0
    assert "    read  orders: 0 rows: 0 accepted, 1 released from quarantine, 1 refused again\n" in done.stdout
    tables = json.loads(sluice("table", "list", "--json", cwd=ran).stdout)["tables"]
    assert {t["name"]: t["rows"] for t in tables}["shop/orders"] == 5
    assert [(row["id"], row["state"], row["attempts"]) for row in held(sluice, ran)] == [
        (first, "open", 1),
        (second, "released", 1),
    ]
    assert sluice("run", "shop.orders", "--json", cwd=ran).stdout.count('"UNCHANGED"') == 2


def test_one_row_is_mended_by_its_id_and_shown_with_its_trail(sluice, ran):
    first = ids(sluice, ran)[0]
    done = sluice("quarantine", "mend", "shop.orders", "--row", first[:6], "--set", "quantity=2", cwd=ran)
    assert done.stdout == "1 row mended, 0 as they were\n"
    done = sluice("quarantine", "replay", "shop.orders", "--row", first, "--no-run", cwd=ran)
    assert (done.stdout, done.stderr) == ("1 row queued\n", "next: sluice run shop.orders\n")
    done = sluice("quarantine", "replay", "shop.orders", "--state", "queued", "--no-run", cwd=ran)
    assert done.stdout == "0 rows queued, 1 were queued already\n"
    done = sluice("plan", "shop.orders", cwd=ran)
    assert "    because 1 quarantined row is queued for replay\n" in done.stdout
    lines = sluice("quarantine", "show", "shop.orders", "--row", first, cwd=ran).stdout.splitlines()
    assert lines[0].endswith(f", {first}")
    assert lines[3] == "    mended: quantity='2'"
    assert [line[24:].split()[0] for line in lines[4:6]] == ["mended", "queued"]


def test_the_quarantine_is_counted_by_run_and_together(sluice, ran):
    run_id = held(sluice, ran)[0]["run_id"]
    counted = json.loads(sluice("quarantine", "list", "--by-run", "--json", cwd=ran).stdout)["quarantine"]
    assert [(c["seq"], c["run_id"], c["rows"], c["rows_in"], round(c["share"], 4)) for c in counted] == [
        (1, run_id, 1, 7, 0.1429)
    ] * 2
    late = ran / "data/raw/orders/2024-01-03.csv"
    late.write_text("order_id,day,product,quantity,unit_price\nX7,2024-01-03,kiwis,0,0.35\nX8,2024-01-03,pears,0,1\n")
    sluice("run", cwd=ran)
    done = sluice("quarantine", "list", "--co-occurrence", "shop", cwd=ran)
    assert [line.split()[2] for line in done.stdout.splitlines()[1:]] == ["2", "1", "1"]
    counted = json.loads(sluice("quarantine", "list", "--json", cwd=ran).stdout)["quarantine"]
    assert {(c["reason"], c["rows"], round(c["share"], 4)) for c in counted if c["reason"].startswith("quantity")} == {
        ("quantity: must be > 0", 3, round(3 / 9, 4))
    }
    lines = sluice("quarantine", "list", cwd=ran).stdout.splitlines()
    assert lines[0].split() == ["pipeline", "source", "state", "rows", "share", "files", "reason"]
    assert lines[1].split()[4] == "33.3%"


def test_sensitive_values_stay_out_of_files_and_trails_unless_asked(sluice, ran):
    schema = ran / "schemas/shop.py"
    field = 'pa.Field(str_matches=r"O[0-9]+$"'
    schema.write_text(schema.read_text().replace(field, f'{field}, metadata={{"sensitive": True}}'))
    first = ids(sluice, ran)[0]
    sluice("quarantine", "mend", "shop.orders", "--row", first, "--set", "order_id=O99", cwd=ran)
    sluice("quarantine", "export", "shop.orders", "--out", "fix.csv", cwd=ran)
    shown = sluice("quarantine", "show", "shop.orders", "--json", cwd=ran).stdout
    shown += sluice("quarantine", "show", "shop.orders", cwd=ran).stdout + (ran / "fix.csv").read_text()
    assert "O99" not in shown
    assert "O3" not in shown
    assert "O99" in sluice("quarantine", "show", "shop.orders", "--reveal", "--json", cwd=ran).stdout
    sluice("quarantine", "export", "shop.orders", "--out", "open.csv", "--reveal", cwd=ran)
    assert "O99" in (ran / "open.csv").read_text()
    done = sluice("quarantine", "mend", "shop.orders", "fix.csv", cwd=ran)
    assert done.stdout == "0 rows mended, 2 as they were\n"


def test_rows_are_discarded_and_pruned(sluice, ran):
    first, second = ids(sluice, ran)
    done = sluice("quarantine", "discard", "shop.orders", "--row", first, cwd=ran)
    assert (done.returncode, done.stdout) == (0, "1 row discarded\n")
    done = sluice("quarantine", "prune", "--older-than", "0h", cwd=ran)
    assert done.stdout == "shop.orders: 0 rows removed\n"
    done = sluice("quarantine", "prune", "shop", "--older-than", "0h", "--decided", cwd=ran)
    assert done.stdout == "shop.orders: 1 row removed\n"
    assert ids(sluice, ran) == [second]


WHICH = "say which rows to discard, such as --row or --reason; or --all, alone, for every one"
AGE = "expected a number of hours, days or weeks, such as 90d"
NO_SUCH = (
    "1 problem of shop.orders's quarantine; nothing was changed:\n"
    "  - row qz1: there is no such row; `sluice quarantine show shop.orders` lists them\n"
)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["discard", "shop.orders"], 2, f"{WHICH}\n"),
        (["mend", "shop.orders", "a.csv", "--row", "q1"], 2, "expected a file, or --row with --set, and not both\n"),
        (["mend", "shop.orders", "--row", "qz1", "--set", "a=1", "--set", "b"], 4, NO_SUCH),
        (["replay", "shop.orders", "--row", "qz1"], 4, NO_SUCH),
        (["replay", "shop.orders", "--state", "mendet"], 2, "--state mendet: did you mean 'mended'?\n"),
        (["prune", "--older-than", "90"], 2, f"--older-than 90: {AGE}\n"),
    ],
)
def test_what_cannot_be_done_is_said(sluice, finished_project, arguments, code, message):
    done = sluice("quarantine", *arguments, cwd=finished_project)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    assert done.stderr == f"error: {message}"


def test_rows_of_a_pipeline_that_is_gone_are_exported_and_discarded_but_not_replayed(sluice, ran):
    first = ids(sluice, ran)[0]
    for module in ("orders", "daily_totals"):
        (ran / f"pipelines/shop/{module}.py").unlink()
    done = sluice("quarantine", "replay", "shop.orders", cwd=ran)
    assert done.returncode == 2
    assert done.stderr == (
        "error: pipeline shop.orders is not defined any more, so nothing can judge its rows; they can be listed,"
        " exported and discarded\n"
    )
    assert sluice("quarantine", "export", "shop.orders", "--out", "fix.csv", "--reveal", cwd=ran).returncode == 0
    assert "bananas" in (ran / "fix.csv").read_text()
    assert sluice("quarantine", "discard", "shop.orders", "--row", first, cwd=ran).returncode == 0


FROM_PYTHON = """
import framework

held = framework.quarantine("shop.orders", state="open")
print(held.select("id", "source", "line", "failure", "reasons", "quantity", "product").rows())
first, second = held["id"]
print(framework.mend_rows("shop.orders", {first: {"quantity": 2}, second: {"product": "bananas"}}, by="ann"))
report = framework.replay("shop.orders", rows=[first])
print(report.sources["orders"].released, report.sources["orders"].refused_again)
print(framework.discard("shop.orders", [second]), framework.discard("shop.orders", []))
print(framework.quarantine("shop.orders").select("state", "attempts", "quantity", "changed_by").rows()[1][:3])
for wrong in (lambda: framework.quarantine("shop.order"), lambda: framework.quarantine("shop.orders", state="opn")):
    try:
        wrong()
    except framework.errors.SelectionError as error:
        print(error)
"""


def test_the_same_can_be_done_from_python(sluice, environment, ran):
    first, second = ids(sluice, ran)
    negative = ("orders", 4, "rule", ["quantity: must be > 0"], "-2", "apples")
    unknown = ("orders", 3, "rule", ["product: must be one of ['apples', 'pears', 'plums']"], "1", "bananas")
    script = FROM_PYTHON.replace("import framework\n", "import framework\nimport framework.errors\n", 1)
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ran, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"{[(first, *negative), (second, *unknown)]}",
        "Mended(changed=1, unchanged=1)",
        "1 0",
        "1 0",
        "('discarded', 0, '1')",
        "no pipeline called 'shop.order' has a quarantine; did you mean 'shop.orders'?",
        "no state is called 'opn'; did you mean 'open'?",
    ]
