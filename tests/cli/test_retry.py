"""`sluice retry`: what came to nothing is run again, as it was asked for."""

from __future__ import annotations

import json

STEP = '    return totals.with_columns(pl.col("amount").cast(Amount))'


def break_step(project):
    file = project / "pipelines/shop/daily_totals.py"
    text = file.read_text()
    assert STEP in text
    file.write_text(text.replace(STEP, '    raise ValueError("no rate")\n' + STEP))
    return lambda: file.write_text(text)


def states(done):
    return {run["pipeline"]: (run["state"], run["mode"]) for run in json.loads(done.stdout)["runs"]}


def test_only_what_came_to_nothing_is_run_again_and_as_it_was_asked_for(sluice, project):
    sluice("run", cwd=project)
    mend = break_step(project)
    failed = sluice("run", "--full", "--json", cwd=project)
    document = json.loads(failed.stdout)
    assert failed.returncode == 1
    assert states(failed) == {"shop.orders": ("SUCCESS", "full"), "shop.daily_totals": ("FAILED", "incremental")}
    mend()
    again = sluice("retry", document["runs"][0]["run_id"], "--json", cwd=project)
    assert (again.returncode, states(again)) == (0, {"shop.daily_totals": ("SUCCESS", "full")})
    nothing = sluice("retry", json.loads(again.stdout)["invocation_id"], cwd=project)
    assert nothing.returncode == 0
    assert nothing.stdout.startswith("nothing to run again: 1 pipeline of invocation")


def test_what_never_ran_cannot_be_run_again(sluice, project, finished_project):
    done = sluice("retry", "abc", cwd=project)
    assert (done.returncode, done.stderr) == (4, "error: no run begins with 'abc': nothing has run yet\n")
    done = sluice("retry", "zzz", cwd=finished_project)
    assert (done.returncode, "no invocation and no run of one begins with 'zzz'" in done.stderr) == (4, True)
