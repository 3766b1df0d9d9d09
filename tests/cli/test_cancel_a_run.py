"""`sluice cancel` ends what another process runs."""

from __future__ import annotations

import json
import time

PATIENCE_S = 120
STEP = '    return totals.with_columns(pl.col("amount").cast(Amount))'
BLOCK = """    import time
    from pathlib import Path

    Path("blocked").touch()
    while True:
        time.sleep(0.1)
"""


def test_a_run_is_ended_by_its_pipelines_name_and_can_be_run_again(sluice, start, project):
    file = project / "pipelines/shop/daily_totals.py"
    text = file.read_text()
    assert STEP in text
    file.write_text(text.replace(STEP, BLOCK + STEP))
    run = start("run", "--json", cwd=project)
    deadline = time.monotonic() + PATIENCE_S
    while not (project / "blocked").exists():
        assert time.monotonic() < deadline, "it never began"
        time.sleep(0.05)
    asked = sluice("cancel", "shop.daily_totals", "--wait", cwd=project)
    out, err = run.communicate(timeout=PATIENCE_S)
    assert (asked.returncode, "it has ended: CANCELLED" in asked.stdout) == (0, True), asked.stderr
    document = json.loads(out)
    states = {report["pipeline"]: report["state"] for report in document["runs"]}
    assert (run.returncode, document["state"]) == (1, "CANCELLED"), err
    assert states["shop.daily_totals"] == "CANCELLED"
    file.write_text(text)
    again = sluice("retry", document["invocation_id"], "--json", cwd=project)
    assert {r["pipeline"]: r["state"] for r in json.loads(again.stdout)["runs"]} == {"shop.daily_totals": "SUCCESS"}
