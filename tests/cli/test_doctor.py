"""`sluice doctor` finds what was broken on purpose, and says how to mend it."""

from __future__ import annotations

import json

import pytest


@pytest.fixture
def examine(sluice, ran):
    """Run the doctor; gives its exit code and its findings that are not in order."""

    def run(**variables):
        done = sluice("doctor", "--json", cwd=ran, **variables)
        document = json.loads(done.stdout)
        wrong = {f["subject"]: (f["state"], f["what"], f["fix"]) for f in document["findings"] if f["state"] != "ok"}
        return done.returncode, wrong

    return run


def last_commit(ran, table="shop/orders"):
    return max((ran / "data/lake" / table / "_delta_log").glob("*.json"))


def test_a_sound_project_has_nothing_wrong(examine):
    assert examine() == (0, {})


def test_settings_are_listed_with_their_origin_and_without_secrets(sluice, ran):
    variables = {
        "SLUICE_LOG_LEVEL": "DEBUG",
        "SLUICE_S3__SECRET_ACCESS_KEY": "hidden-key-1",
        "SLUICE_LEDGER": "postgresql://me:hidden-pw-1@127.0.0.1:1/x",
    }
    done = sluice("doctor", "--json", cwd=ran, **variables)
    document = json.loads(done.stdout)
    assert "hidden" not in done.stdout + done.stderr
    settings = {row["setting"]: (row["value"], row["from"]) for row in document["settings"]}
    assert settings["log_level"] == ("DEBUG", "SLUICE_LOG_LEVEL")
    assert settings["raw"] == ("data/raw", "sluice.toml")
    assert settings["grace_s"] == ("5.0", "default")
    assert settings["s3.secret_access_key"] == ("***", "SLUICE_S3__SECRET_ACCESS_KEY")
    assert settings["ledger"] == ("postgresql://me:***@127.0.0.1:1/x", "SLUICE_LEDGER")
    assert document["versions"]["polars"].startswith("2.1")


@pytest.mark.parametrize(("keep", "state"), [(0, "is empty"), (40, "is cut off")])
def test_a_torn_last_commit_is_named_and_its_fix_heals(sluice, ran, examine, keep, state):
    torn = last_commit(ran)
    torn.write_bytes(torn.read_bytes()[:keep])
    what = f"its last commit {torn} {state}: it was never fully written, as after a power failure"
    fix = f"delete {torn}, then run again: what it held is taken in once more"
    code, wrong = examine()
    assert code == 1
    assert wrong["table shop/orders"] == ("fail", what, fix)
    torn.unlink()
    assert sluice("run", cwd=ran).returncode == 0
    assert examine()[0] == 0
    rows = json.loads(sluice("table", "list", "--json", cwd=ran).stdout)["tables"]
    assert {row["name"]: row["rows"] for row in rows} == {"shop/daily_totals": 4, "shop/orders": 4}


def test_a_missing_data_file_is_named(ran, examine):
    gone = next((ran / "data/lake/shop/orders").rglob("*.parquet"))
    gone.unlink()
    code, wrong = examine()
    name = gone.relative_to(ran / "data/lake/shop/orders")
    what = f"1 data file of its current version cannot be found: {name}"
    assert code == 1
    assert wrong["table shop/orders"] == ("fail", what, "restore them from a backup, or rebuild with --full")


def test_a_gap_in_the_log_makes_the_table_unreadable(ran, examine):
    min((ran / "data/lake/shop/orders/_delta_log").glob("*.json")).unlink()
    code, wrong = examine()
    assert code == 1
    state, what, fix = wrong["table shop/orders"]
    assert (state, what.partition(":")[0]) == ("fail", "cannot be read")
    assert fix == f"restore the file it names, or remove {ran}/data/lake/shop/orders and run with --full"


def test_stray_files_are_counted_and_no_problem(ran, examine):
    stray = ran / "data/lake/shop/orders/day=2024-01-01/part-stray.parquet"
    stray.write_bytes(b"x" * 2048)
    fix = "none needed: left by an attempt that died, or of a run in progress"
    assert examine() == (0, {"table shop/orders": ("warn", "1 file (2.0 KiB) belong to no version", fix)})


def test_an_unfinished_sequence_is_named(ran, examine):
    (ran / "data/lake/_sluice/shop.orders/runs/00000001.json").unlink()
    wrong = ("warn", "sequence 1 was begun and is not finished", "sluice run shop.orders")
    assert examine() == (0, {"pipeline shop.orders": wrong})


def test_what_cannot_be_reached_is_a_problem(ran, examine):
    (ran / "file").touch()
    code, wrong = examine(SLUICE_LEDGER="sqlite:///file/ledger.db", SLUICE_LAKE="file/lake")
    assert code == 1
    assert wrong[f"lake ({ran}/file/lake)"][0] == "fail"


def test_a_project_before_its_first_run_is_fine(sluice, project):
    done = sluice("doctor", cwd=project)
    assert done.returncode == 0
    assert "is not there yet\n" in done.stdout
    assert done.stdout.endswith("nothing is wrong\n")


def test_a_lost_ledger_is_noticed_and_built_anew_from_the_lake(sluice, ran, examine):
    def listed():
        runs = json.loads(sluice("runs", "--json", cwd=ran).stdout)["runs"]
        return [{name: value for name, value in run.items() if name not in lost} for run in runs]

    lost = {"invocation_id", "finished_at", "duration_s", "peak_memory_mb"}
    before = listed()
    for file in (ran / "data").glob("ledger.db*"):
        file.unlink()
    missing = ("warn", "2 published runs of the lake cannot be found in it", "sluice doctor --rebuild-ledger")
    assert examine() == (0, {f"ledger (sqlite:///{ran}/data/ledger.db)": missing})
    assert sluice("run", cwd=ran).returncode == 0
    done = sluice("doctor", "--rebuild-ledger", cwd=ran)
    assert (done.returncode, done.stdout) == (0, "2 runs entered from the lake, 0 corrected, 0 known already\n")
    assert listed() == before
    assert {run["peak_memory_mb"] for run in json.loads(sluice("runs", "--json", cwd=ran).stdout)["runs"]} == {None}
    assert examine() == (0, {})
    done = sluice("doctor", "--rebuild-ledger", cwd=ran)
    assert done.stdout == "0 runs entered from the lake, 0 corrected, 2 known already\n"
    assert [e["action"] for e in json.loads(sluice("audit", "list", "--json", cwd=ran).stdout)["entries"]] == [
        "ledger.created",
        "ledger.rebuilt",
    ]


def test_a_manifest_that_cannot_be_read_is_named_and_the_others_are_entered(sluice, ran):
    (ran / "data/ledger.db").unlink()
    torn = ran / "data/lake/_sluice/shop.orders/runs/00000001.json"
    torn.write_text("{")
    done = sluice("doctor", "--rebuild-ledger", cwd=ran)
    assert (done.returncode, done.stdout) == (1, "1 run entered from the lake, 0 corrected, 0 known already\n")
    assert f"error: {torn} cannot be read; its run is not entered\n" in done.stderr
