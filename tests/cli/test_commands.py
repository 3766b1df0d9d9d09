"""The commands that look: each on a project that has run once."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest


def test_check_reads_nothing(sluice, project):
    (project / "data/raw/orders/2024-01-01.csv").unlink()
    done = sluice("check", cwd=project)
    assert done.returncode == 0
    assert done.stdout == (
        "shop.orders: 1 source, 1 step -> shop/orders\n"
        "shop.daily_totals: 1 source, 1 step -> shop/daily_totals\n"
        "2 pipelines checked, no problem found\n"
    )
    assert done.stderr == "next: sluice plan\n"


def test_tables_are_listed(sluice, ran):
    done = sluice("table", "list", "--json", cwd=ran)
    tables = {t["name"]: (t["version"], t["rows"], t["partitions"]) for t in json.loads(done.stdout)["tables"]}
    assert tables == {"shop/daily_totals": (1, 4, 2), "shop/orders": (1, 4, 2)}
    assert sluice("table", "list", cwd=ran).stdout.splitlines()[0].split()[:3] == ["table", "version", "rows"]


def test_a_table_is_shown_with_exact_values(sluice, ran):
    document = json.loads(sluice("table", "show", "shop/daily_totals", "--json", cwd=ran).stdout)
    assert document["columns"]["amount"] == "Decimal(precision=18, scale=2)"
    rows = {(row["day"], row["product"]): row["amount"] for row in document["rows"]}
    assert rows == {
        ("2024-01-01", "apples"): "3.60",
        ("2024-01-01", "plums"): "3.50",
        ("2024-01-01", "pears"): "5.00",
        ("2024-01-02", "pears"): "10.00",
    }


def test_a_table_is_shown_at_an_earlier_version(sluice, ran):
    assert sluice("table", "show", "shop/orders", "--version", "0", cwd=ran).stdout.startswith("no rows; columns: ")


def test_history_names_the_run_of_each_version(sluice, ran):
    versions = json.loads(sluice("table", "history", "shop/orders", "--json", cwd=ran).stdout)["versions"]
    runs = json.loads(sluice("runs", "shop.orders", "--json", cwd=ran).stdout)["runs"]
    assert [(v["version"], v["run_id"]) for v in versions] == [(1, runs[0]["run_id"]), (0, None)]


def test_quarantine_is_counted_and_shown(sluice, ran):
    counted = json.loads(sluice("quarantine", "list", "--json", cwd=ran).stdout)["quarantine"]
    assert {(row["reason"], row["rows"]) for row in counted} == {
        ("quantity: must be > 0", 1),
        ("product: must be one of ['apples', 'pears', 'plums']", 1),
    }
    done = sluice("quarantine", "show", "shop.orders", "--reason", "quantity", cwd=ran)
    assert done.stdout.splitlines()[0].startswith("orders/2024-01-01.csv:4  orders, open, run ")
    assert "    quantity: must be > 0" in done.stdout.splitlines()
    assert "order_id='O3'" in done.stdout
    assert sluice("quarantine", "show", "shop.orders", "--state", "waiting", cwd=ran).stdout == "no such rows\n"


def test_quarantine_masks_sensitive_values_unless_asked(sluice, ran):
    schema = ran / "schemas/shop.py"
    text = schema.read_text()
    field = 'pa.Field(str_matches=r"O[0-9]+$"'
    assert f"order_id: str = {field})" in text
    schema.write_text(text.replace(field, f'{field}, metadata={{"sensitive": True}}'))
    show = ("quarantine", "show", "shop.orders", "--reason", "quantity")
    assert "order_id='***'" in sluice(*show, cwd=ran).stdout
    assert "O3" not in sluice(*show, "--json", cwd=ran).stdout
    assert "order_id='O3'" in sluice(*show, "--reveal", cwd=ran).stdout


def test_runs_are_listed_newest_first(sluice, ran):
    runs = json.loads(sluice("runs", "--json", cwd=ran).stdout)["runs"]
    assert [(run["pipeline"], run["state"]) for run in runs] == [
        ("shop.daily_totals", "SUCCESS"),
        ("shop.orders", "SUCCESS"),
    ]
    assert len(json.loads(sluice("runs", "--limit", "1", "--json", cwd=ran).stdout)["runs"]) == 1


def test_no_runs_yet_creates_no_ledger(sluice, project):
    assert sluice("runs", cwd=project).stdout == "no runs yet\n"
    assert not (project / "data/ledger.db").exists()


def test_logs_show_a_run_by_the_beginning_of_its_id(sluice, ran):
    run_id = json.loads(sluice("runs", "shop.orders", "--json", cwd=ran).stdout)["runs"][0]["run_id"]
    document = json.loads(sluice("logs", run_id[:6], "--json", cwd=ran).stdout)
    assert document["run_id"] == run_id
    assert document["events"][-1]["event"] == "run.reported"
    assert " INFO    shop.orders: succeeded in " in sluice("logs", run_id, cwd=ran).stdout
    assert sluice("logs", "zzz", cwd=ran).returncode == 4


def test_logs_follow_until_the_run_is_over(start, ran):
    file = max((ran / "data/logs").glob("*.jsonl"))
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:-1]) + lines[-1][:20])
    process = start("logs", file.stem, "-f", "--json", cwd=ran)
    first = [process.stdout.readline() for _ in lines[:-1]]
    with file.open("a") as stream:
        stream.write(lines[-1][20:])
    rest, _ = process.communicate(timeout=60)
    assert [json.loads(line) for line in (*first, *rest.splitlines())] == [json.loads(line) for line in lines]
    assert process.returncode == 0


def test_init_refuses_to_overwrite(sluice, project):
    (project / "sluice.toml").write_text("# mine\n")
    done = sluice("init", project)
    assert done.returncode == 2
    assert "; nothing was written, name another folder\n" in done.stderr
    assert (project / "sluice.toml").read_text() == "# mine\n"


def test_init_prints_the_next_three_commands(sluice, tmp_path):
    done = sluice("init", "shop", cwd=tmp_path)
    assert done.stderr == "next:\n  cd shop\n  sluice run\n  sluice quarantine list\n"
    assert done.stdout.startswith("12 files in shop:\n")


def test_the_project_that_init_makes_passes_its_own_tests(project, environment):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=project, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout


SAMPLE = """
class Summary:
    def __init__(self, given):
        self.given = given
    def render(self):
        return repr(sorted(self.given.items()))

def generate(out, **given):
    if given.get("days") == 0:
        raise ValueError("Cannot generate a sample: days is 0, expected at least 1.")
    return Summary({"out": out.name, **given})
"""


def test_sample_hands_its_flags_to_the_domain(sluice, project):
    (project / "pipelines/shop/sample.py").write_text(SAMPLE)
    given = ["--seed", "3", "--days", "28", "--rows", "9", "--start", "2024-02-01", "--deliver", "1-21"]
    done = sluice("sample", "shop", "--out", "raw", *given, cwd=project)
    assert done.stdout == (
        "[('days', 28), ('deliver', (1, 21)), ('out', 'raw'), ('rows', 9), ('seed', 3),"
        " ('start', datetime.date(2024, 2, 1))]\n"
    )
    assert sluice("sample", "shop", cwd=project).stdout == "[('out', 'raw')]\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--deliver", "x"], "error: --deliver x: expected first-last, such as 1-21\n"),
        (["--days", "0"], "error: Cannot generate a sample: days is 0, expected at least 1.\n"),
        (["--out", "s3://bucket"], "error: samples are written to local folders, not to s3://bucket; use --out\n"),
    ],
)
def test_sample_refuses_what_it_cannot_do(sluice, project, arguments, message):
    (project / "pipelines/shop/sample.py").write_text(SAMPLE)
    done = sluice("sample", "shop", *arguments, cwd=project)
    assert (done.returncode, done.stderr) == (2, message)


def test_plan_says_what_would_run_and_why_and_writes_nothing(sluice, project):
    done = sluice("plan", "shop.orders", cwd=project)
    assert done.returncode == 0
    assert done.stdout.startswith("shop.orders: full, sequence 1\n    because first run\n")
    assert done.stderr == "next: sluice run shop.orders\n"
    assert sluice("run", "--dry-run", "shop.orders", cwd=project).stdout == done.stdout
    assert sorted(path.name for path in (project / "data").iterdir()) == ["raw"]


def test_plan_exits_3_only_when_asked_and_only_with_work(sluice, ran):
    assert sluice("plan", "--exit-code", cwd=ran).returncode == 0
    late = ran / "data/raw/orders/2024-01-03.csv"
    late.write_text("order_id,day,product,quantity,unit_price\nO7,2024-01-03,plums,1,0.35\n")
    done = sluice("plan", "--exit-code", "--json", cwd=ran)
    assert done.returncode == 3
    assert json.loads(done.stdout)["has_work"] is True


@pytest.mark.parametrize("node", ["shop.orders", "shop.orders:valued_orders"])
def test_show_computes_a_node_without_writing(sluice, project, node):
    document = json.loads(sluice("show", node, "--limit", "100", "--json", cwd=project).stdout)
    assert sorted(row["order_id"] for row in document["rows"] if row["amount"]) == ["O1", "O2", "O2", "O4", "O5"]
    assert sorted(path.name for path in (project / "data").iterdir()) == ["raw"]


def test_show_suggests_a_name(sluice, project):
    done = sluice("show", "shop.orders:order", cwd=project)
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr == "error: shop.orders has no source or step 'order'; did you mean 'orders'?\n"


def test_the_quarantine_can_be_looked_at_while_the_definitions_are_broken(sluice, ran):
    (ran / "pipelines/shop/broken.py").write_text("import nowhere_to_be_found\n")
    done = sluice("quarantine", "show", "shop.orders", cwd=ran)
    assert done.returncode == 0
    assert "quantity: must be > 0" in done.stdout
    assert "all values are masked, as the definitions cannot be read; --reveal shows them: 1 problem" in done.stderr
    assert "***" in done.stdout
    assert "***" not in sluice("quarantine", "show", "shop.orders", "--reveal", cwd=ran).stdout
