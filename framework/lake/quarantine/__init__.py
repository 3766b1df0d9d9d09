"""The quarantine: one table per pipeline, `_quarantine/<pipeline>`, with every row and file that was not accepted.

A row's `state` says what has become of it:

- `open`: broke a rule; `waiting`: breaks nothing but a reference that is unknown yet,
- `mended`: somebody corrected it; `queued`: the next run judges it again, as mended or else as read,
- `released`: was judged again and accepted; `superseded`: its file was delivered again; `discarded`: is not wanted.

People move rows by `change`, a run by `reconcile`; each is one commit, and whoever comes second sees the first.
"""

from framework.lake.quarantine.changes import Changed, change, entry_of, happened, plural, prune
from framework.lake.quarantine.counts import by_run, co_occurrence, rows, rows_meant, summarise
from framework.lake.quarantine.reconcile import Retaken, reconcile
from framework.lake.quarantine.table import (
    CHANGEABLE,
    CLOSED,
    FAILURES,
    FOLDER,
    IDENTITY,
    PENDING,
    SCHEMA,
    STATES,
    TAKEN,
    Selection,
    ever_refused,
    open_quarantine,
    pipelines,
    refused_files,
    rows_at,
    rows_in,
    table_name,
    with_id,
)

__all__ = [
    "CHANGEABLE",
    "CLOSED",
    "FAILURES",
    "FOLDER",
    "IDENTITY",
    "PENDING",
    "SCHEMA",
    "STATES",
    "TAKEN",
    "Changed",
    "Retaken",
    "Selection",
    "by_run",
    "change",
    "co_occurrence",
    "entry_of",
    "ever_refused",
    "happened",
    "open_quarantine",
    "pipelines",
    "plural",
    "prune",
    "reconcile",
    "refused_files",
    "rows",
    "rows_at",
    "rows_in",
    "rows_meant",
    "summarise",
    "table_name",
    "with_id",
]
