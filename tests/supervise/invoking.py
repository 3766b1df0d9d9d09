"""Supervise stub pipelines from a test, and look at what came of it."""

from __future__ import annotations

import sys
from pathlib import Path

from framework.core.policy import Retry
from framework.supervise.current import Tries
from framework.supervise.messages import Job
from framework.supervise.supervisor import supervise

HERE = Path(__file__).parent


def invoke(project, *selection, entry="stub_work:work", attempts=2, workers=1, **options):
    """Supervise stub pipelines here; gives the invocation and all events. `attempts` is what is usual."""
    events = []
    path = (str(HERE), *(p for p in sys.path if p))
    job = Job(str(project), selection, entry=entry, path=path, workers=workers)
    known = {"tries": Tries(Retry(attempts=attempts, first="1us", longest="1us")), **options}
    return supervise(job, audience=lambda ready: events.append, **known), events


def states(done):
    return {report.pipeline: report.state for report in done.reports}


def report_of(done, pipeline):
    return next(report for report in done.reports if report.pipeline == pipeline)
