"""`sluice quality` as users have it: a project, two runs, and every look at what they staged."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from framework.cli.main import main
from tests.cli.calling import command, environment

PACKAGE = "quality_shop"
"""A name of its own: the tests' process knows the repository's pipelines already."""
PIPELINE = '''
"""Visits of shops."""

import pandera.polars as pa
from framework import Pipeline, Quality, csv_files, expect, table


class Visit(pa.DataFrameModel):
    id: int
    email: str = pa.Field(nullable=True, metadata={"sensitive": True})
    spent: float


QUALITY = Quality(expect=[expect("rows", at_least=25)])

pipeline = Pipeline(
    "shop.visits",
    sources={"visits": csv_files("visits/*.csv", schema=Visit)},
    outputs=[
        table("shop/visits", of="visits", mode="merge", key="id", quality=QUALITY),
        table("shop/plain", of="visits", mode="append"),
    ],
)
'''


def deliver(project: Path, name: str, count: int, start: int) -> None:
    lines = [f"{i},p{i}@secret.org,{i % 10}.5" for i in range(start, start + count)]
    (project / "data/raw/visits").mkdir(parents=True, exist_ok=True)
    (project / f"data/raw/visits/{name}.csv").write_text("\n".join(["id,email,spent", *lines]) + "\n")


def run(project: Path) -> str:
    done = subprocess.run(command("-C", project, "run"), env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A project whose table has a history of two runs. Copied, never changed."""
    project = tmp_path_factory.mktemp("quality") / "project"
    (project / PACKAGE).mkdir(parents=True)
    (project / PACKAGE / "__init__.py").write_text("")
    (project / PACKAGE / "visits.py").write_text(PIPELINE)
    (project / "sluice.toml").write_text(f'packages = ["{PACKAGE}"]\n')
    said = []
    for number, count in enumerate((40, 20)):
        deliver(project, f"d{number}", count, 100 * number)
        said.append(run(project))
    return project, said


@pytest.fixture
def project(made, tmp_path):
    return Path(shutil.copytree(made[0], tmp_path / "project"))


@pytest.fixture
def sluice(capsys, monkeypatch):
    """Call the command in this process; gives the exit code and what it said."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in os.environ.keys() - environment().keys():
        monkeypatch.delenv(name)

    def call(*arguments):
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return subprocess.CompletedProcess(arguments, code, said.out, said.err)

    yield call
    for name in [name for name in sys.modules if name.partition(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_a_run_says_the_score_and_what_does_not_hold_in_two_lines(made):
    first, second = ([line for line in text.splitlines() if "quality" in line] for text in made[1])
    assert first == ["    quality shop/visits: score 100.0, 1 of 1 checks hold, 8 wait for more history"]
    assert second == [
        "    quality shop/visits: score 91.7, 1 of 2 checks hold, 9 wait for more history",
        "          rows is 20; at least 25 is expected: sluice quality report shop/visits",
    ]


def test_a_report_goes_to_standard_output_or_into_a_file_of_the_form_that_its_name_says(project, sluice):
    shown = sluice("-C", project, "quality", "report", "shop/visits")
    assert shown.returncode == 0, shown.stderr
    assert shown.stdout.startswith("# Quality of shop/visits: score ")
    assert "- **warn**: rows is 20; at least 25 is expected" in shown.stdout
    out = project / "reports/q.html"
    written = sluice("-C", project, "quality", "report", "shop/visits", "--out", out)
    assert written.returncode == 0, written.stderr
    assert written.stdout.startswith(f"{out}: quality of shop/visits, run ")
    assert "<!doctype html>" in out.read_text()
    assert "secret" not in out.read_text() + shown.stdout


def test_a_report_as_json_is_one_document(project, sluice):
    for arguments in (["--json"], ["--format", "json"]):
        done = sluice("-C", project, "quality", "report", "shop/visits", *arguments)
        document = json.loads(done.stdout)
        assert (document["schema_version"], document["table"], document["rows"]) == (1, "shop/visits", 20)
        assert [column["name"] for column in document["columns"]] == ["id", "email", "spent"]
        assert "secret" not in done.stdout


def test_a_report_is_on_the_run_or_version_that_is_asked_for(project, sluice):
    by_version = json.loads(
        sluice("-C", project, "--json", "quality", "report", "shop/visits", "--version", "1").stdout
    )
    assert (by_version["rows"], by_version["run"]["seq"]) == (40, 1)
    run = by_version["run"]["run_id"]
    by_run = json.loads(sluice("-C", project, "--json", "quality", "report", "shop/visits", "--run", run[:6]).stdout)
    assert by_run == by_version


@pytest.mark.parametrize(
    ("arguments", "code", "error"),
    [
        (
            ("report", "shop/visitors"),
            4,
            "error: no table is called 'shop/visitors'; did you mean 'shop/visits'?\n",
        ),
        (
            ("report", "shop/visits", "--version", "9"),
            4,
            "error: table 'shop/visits' has no version 9; it has 1 to 2\n",
        ),
        (
            ("report", "shop/visits", "--version", "1", "--run", "ab"),
            2,
            "error: --run and --version both say which run; give one of them\n",
        ),
        (("history", "shop/visits", "--metric", "means"), 4, "error: 'means' is no metric; did you mean 'mean'?\n"),
        (
            ("history", "shop/visits", "--metric", "mean"),
            2,
            "error: mean is of a column; name it with --column: id, email, spent\n",
        ),
        (
            ("history", "shop/visits", "--metric", "rows", "--column", "id"),
            2,
            "error: rows is of the table as a whole; leave --column out\n",
        ),
        (
            ("history", "shop/visits", "--metric", "mean", "--column", "spend"),
            4,
            "error: there is no column 'spend' in the history; did you mean 'spent'?\n",
        ),
        (
            ("compare", "shop/visits", "1", "two"),
            2,
            "error: 1 two: expected two versions of shop/visits by number, or the name of another table\n",
        ),
        (
            ("compare", "shop/visits", "1", "9"),
            4,
            "error: table 'shop/visits' has no version 9; its newest is 2\n",
        ),
        (
            ("profile", "shop/visits", "--column", "spend"),
            4,
            "error: table 'shop/visits' has no column 'spend'; did you mean 'spent'?\n",
        ),
        (
            ("pin", "shop/visits", "mean", "--column", "spend", "--at-most", "5"),
            4,
            "error: table 'shop/visits' has no column 'spend'; did you mean 'spent'?\n",
        ),
        (
            ("pin", "shop/visits", "mean", "--column", "email", "--at-most", "5"),
            2,
            "error: mean is not measured of email, which is String\n",
        ),
        (
            ("pin", "shop/visits", "rows"),
            2,
            "error: the pin expects rows without saying what (give at_least or at_most)\n",
        ),
        (
            ("pin", "shop/visits", "rows", "--at-most", "few"),
            2,
            "error: --at-most few: expected a number, or a share such as 1%\n",
        ),
        (("pin", "shop/visits", "rows", "--remove"), 4, "error: nothing of rows is pinned for shop/visits\n"),
    ],
)
def test_mistakes_are_named_with_what_to_do(arguments, code, error, made, sluice):
    done = sluice("-C", made[0], "quality", *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", error)


def test_a_table_without_history_says_how_to_get_one(made, sluice):
    done = sluice("-C", made[0], "quality", "report", "shop/plain")
    assert done.returncode == 4
    assert done.stderr == (
        "error: table 'shop/plain' has no history of its quality; give its output quality=Quality() and run it,"
        " or look at it now: sluice quality profile shop/plain; known: shop/visits\n"
    )


def test_history_lists_a_metric_run_by_run(project, sluice):
    done = sluice("-C", project, "-q", "quality", "history", "shop/visits", "--metric", "rows")
    lines = done.stdout.splitlines()
    assert lines[0].split() == ["run", "at", "scope", "rows", "value", "low", "high", "state", "broken"]
    assert re.fullmatch(r"\w+ +\S+ \S+ +batch +20 +20 +25 +- +broken +1", lines[1])
    assert re.fullmatch(r"\w+ +\S+ \S+ +whole +40 +40 +- +- +unknown +0", lines[2])
    assert lines[3] == "rows, oldest to newest: █▁"
    document = json.loads(
        sluice(
            "-C", project, "--json", "quality", "history", "shop/visits", "--metric", "mean", "--column", "spent"
        ).stdout
    )
    assert [run["value"] for run in document["runs"]] == [5.0, 5.0]


def test_profile_shows_a_table_as_it_is_now_without_values_of_sensitive_columns(project, sluice):
    done = sluice("-C", project, "quality", "profile", "shop/visits")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "shop/visits: version 2, 60 rows, 0% with a key that another row has too"
    assert lines[1].split() == ["column", "type", "null", "different", "least", "greatest", "mean", "median"]
    assert lines[3].split() == ["email", "String", "0%", "60", *["sensitive"] * 4]
    assert lines[4].split() == ["spent", "Float64", "0%", "10", "0.5", "9.5", "5", "5"]
    document = json.loads(sluice("-C", project, "--json", "quality", "profile", "shop/visits", "--version", "1").stdout)
    assert (document["rows"], document["sampled"], document["metrics"]["duplicate_rate"]) == (40, 40, 0.0)
    assert "secret" not in done.stdout + json.dumps(document)


def test_where_definitions_cannot_be_read_no_value_is_shown(project, sluice):
    (project / PACKAGE / "visits.py").write_text("import nothing_of_that_name\n")
    for arguments in (("profile", "shop/visits"), ("report", "shop/visits")):
        done = sluice("-C", project, "quality", *arguments)
        assert done.returncode == 0, done.stderr
        assert "values are not shown, as the definitions that say which are sensitive cannot be read: " in done.stderr
        assert "9.5" not in done.stdout


def test_compare_shows_what_moved_between_versions_and_tables(project, sluice):
    done = sluice("-C", project, "quality", "compare", "shop/visits", "1", "2")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "shop/visits version 1 (40 rows) -> shop/visits version 2 (60 rows)"
    assert lines[1].split() == ["column", "null_rate", "n_unique", "mean", "p50", "min", "max", "psi", "ks"]
    assert lines[2].split()[:5] == ["id", "0%", "40", "->", "60"]
    document = json.loads(sluice("-C", project, "--json", "quality", "compare", "shop/visits", "shop/visits").stdout)
    assert document["columns"][2]["psi"] == 0.0
    assert document["before"]["version"] == document["after"]["version"] == 2


def test_a_pin_takes_the_place_of_what_is_learned_until_it_is_removed(project, sluice):
    pinned = sluice("-C", project, "quality", "pin", "shop/visits", "null_rate", "--column", "email", "--at-most", "1%")
    assert pinned.returncode == 0, pinned.stderr
    assert pinned.stdout.splitlines()[1].split() == ["null_rate", "email", "-", "0.0", "warn"]
    deliver(project, "d2", 30, 300)
    (project / "data/raw/visits/d3.csv").write_text("id,email,spent\n900,,1\n")
    run(project)
    document = json.loads(sluice("-C", project, "--json", "quality", "report", "shop/visits").stdout)
    held = [f for f in document["findings"] if (f["metric"], f["column"]) == ("null_rate", "email")]
    assert [(f["origin"], f["state"], f["text"]) for f in held] == [
        ("pinned", "broken", "null_rate of email is 3.226%; at most 1% is pinned")
    ]
    removed = sluice("-C", project, "quality", "pin", "shop/visits", "null_rate", "--column", "email", "--remove")
    assert removed.stdout == "nothing is pinned for shop/visits\n"
