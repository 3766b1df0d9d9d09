"""The ledger as a listener: runs that have work are recorded, and failing to record never fails a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from framework.core.report import RunReport
from framework.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable

    from framework.core.events import Event

RECORDED = {"SUCCESS", "FAILED", "CANCELLED"}


@dataclass
class Recorder:
    """Listens to the events of an invocation. The database is opened with the first thing that is worth recording.

    Args:
        address: The ledger's address.
        invocation_id: The invocation that the runs belong to.
        warn: Hears once why nothing can be recorded.
        clean: The mask through which reports pass before they are kept.
    """

    address: str
    invocation_id: str
    warn: Callable[[str], None]
    clean: Callable[[Any], Any] = field(default=lambda value: value)
    _open: dict[str, str] = field(default_factory=dict)
    _ledger: Any = None
    _failed: bool = False

    def __call__(self, event: Event) -> None:
        """Record a start or an end."""
        if event.name == "run.planned" or (event.name == "run.reported" and event.fields.get("state") in RECORDED):
            self._try(event)

    def _try(self, event: Event) -> None:
        if self._failed:
            return
        from sqlalchemy.exc import SQLAlchemyError

        try:
            self._record(event)
        except (SQLAlchemyError, OSError, ConfigurationError) as error:
            self._failed = True
            self.warn(f"the ledger cannot be written, so `sluice runs` will not show this run: {_first_line(error)}")

    def _record(self, event: Event) -> None:
        from framework.ledger.runs import mark_abandoned, open_ledger, record_finished, record_started

        if self._ledger is None:
            self._ledger = open_ledger(self.address)
            mark_abandoned(self._ledger)
        fields = event.fields
        if event.name == "run.planned":
            pipeline, attempt = fields.get("pipeline", ""), fields.get("attempt", 1)
            self._close_earlier(pipeline, fields["run_id"])
            known = {"pipeline": pipeline, "invocation_id": self.invocation_id, "attempt": attempt}
            record_started(self._ledger, fields["run_id"], plan=fields, **known)
        else:
            report = RunReport.from_dict(self.clean(fields["report"]))
            self._close_earlier(report.pipeline, report.run_id)
            record_finished(self._ledger, report, invocation_id=self.invocation_id)

    def _close_earlier(self, pipeline: str, run_id: str) -> None:
        """A pipeline that finished an earlier sequence first goes on under another run id: that one is done."""
        from framework.ledger.runs import record_state

        earlier = self._open.get(pipeline)
        if earlier is not None and earlier != run_id:
            record_state(self._ledger, earlier, "SUCCESS")
        self._open[pipeline] = run_id


def _first_line(error: BaseException) -> str:
    return str(error).partition("\n")[0]
