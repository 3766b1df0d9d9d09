"""Supervise stub pipelines in a process of their own and print what came of it: `drive.py PROJECT SELECTION...`."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from framework.cli.run import exit_code
from framework.supervise.audience import Audience
from framework.supervise.messages import Job
from framework.supervise.supervisor import supervise

if __name__ == "__main__":
    project, *selection = sys.argv[1:]
    path = (str(Path(__file__).parent), *(p for p in sys.path if p))
    job = Job(project, tuple(selection), entry="stub_work:work", path=path, workers=1)
    done = supervise(job, audience=Audience("inv-1"), invocation="inv-1")
    heavy = sorted({"polars", "pandera", "deltalake", "pydantic_settings"} & sys.modules.keys())
    found = {r.pipeline: [r.state, r.reason] for r in done.reports}
    sys.stdout.write(json.dumps({"reports": found, "signal": done.signal, "heavy": heavy}))
    sys.exit(exit_code(done))
