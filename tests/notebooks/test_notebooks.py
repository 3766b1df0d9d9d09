"""The notebooks run as scripts on freshly made tables, and what they promise holds."""

import json
import os
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from pipelines.marketing.sample import generate

ROOT = Path(__file__).parents[2]
PATIENCE_S = 240
MODULE = "from notebooks.from_sample_to_pipeline import app; print(app.run()[1]['module'], end='')"


def run(*command, cwd=ROOT, **variables):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SLUICE_")}
    done = subprocess.run(
        [sys.executable, *command],
        cwd=cwd,
        env={**kept, "PYTHONPATH": str(ROOT), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """The marketing tables of two weeks, around the day on which the clocks change."""
    folder = tmp_path_factory.mktemp("marketing")
    generate(folder / "raw", days=14, rows=4_000, start=date(2024, 3, 25))
    variables = {
        "SLUICE_RAW": str(folder / "raw"),
        "SLUICE_LAKE": str(folder / "lake"),
        "SLUICE_EXPORTS": str(folder / "exports"),
        "SLUICE_LEDGER": f"sqlite:///{folder}/ledger.db",
        "SLUICE_LOGS": str(folder / "logs"),
    }
    run("-m", "framework.cli.main", "run", "marketing", "--quiet", **variables)
    return variables


@pytest.mark.parametrize("notebook", sorted(path.name for path in (ROOT / "notebooks").glob("*.py")))
def test_a_notebook_is_well_formed(notebook):
    run("-m", "marimo", "check", "--strict", f"notebooks/{notebook}")


def test_the_release_report_is_one_file_that_names_its_versions_and_needs_no_network(places):
    run("notebooks/release_report.py", **places)
    text = Path(places["SLUICE_EXPORTS"], "marketing/report.html").read_text(encoding="utf-8")
    assert "table versions: ad_metrics 1, attribution 1, channel_credit 1" in text
    assert re.findall(r"<(?:script|link)[^>]+(?:src|href)=", text) == []
    for title in ("Spend", "Rolling ROI by channel", "Credit by model and channel", "Impressions by hour"):
        assert f'"{title}"' in text


def test_the_module_that_the_notebook_ends_with_runs_as_it_stands(places, tmp_path):
    package = tmp_path / "pipelines/marketing"
    package.mkdir(parents=True)
    for folder in (package, package.parent):
        (folder / "__init__.py").touch()
    (tmp_path / "schemas").symlink_to(ROOT / "schemas")
    (package / "busy_hours.py").write_text(run("-c", MODULE, **places))
    told = run("-m", "framework.cli.main", "run", "marketing.busy_hours", "--json", cwd=tmp_path, **places)
    (report,) = json.loads(told)["runs"]
    assert report["state"] == "SUCCESS"
    assert report["outputs"]["marketing/busy_hours"]["rows_added"] > 24
