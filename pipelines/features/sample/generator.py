"""One sample from end to end: everybody's life is drawn, put into files, and the files asked for are written."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from framework.testing import SampleRequest, Summary, deliver_sample
from pipelines.features.sample.behaviour import live
from pipelines.features.sample.event_files import event_batches
from pipelines.features.sample.label_files import label_batches
from pipelines.features.sample.payment_files import payment_batches
from pipelines.features.sample.people import build_people
from pipelines.features.sample.profile_files import profile_batches
from pipelines.features.sample.troubles import Batch, Row
from pipelines.features.sample.truth import Known, true_key

SOURCES = ("features/events", "features/transactions", "features/users", "features/labels")
KEY_FOLDER = "features/_truth"
DEFAULT_START = date(2024, 1, 1)


def generate(
    out: Path,
    *,
    seed: int = 7,
    days: int = 28,
    rows: int = 20_000,
    start: date = DEFAULT_START,
    deliver: tuple[int, int] | None = None,
) -> Summary:
    """Write messy input of the feature pipelines and the key of what is wrong with it.

    Below `features/`: `events` (JSON lines, three files a day), `transactions` (Parquet, daily), `users` (CSV, every
    morning: who is new or has another plan) and `labels` (CSV, from the third week on), and `_truth` with `rows.ndjson`
    (one object per spoiled or special row), `files.ndjson` (one per file), `summary.json`, `sessions.ndjson` (every
    true session), `features.ndjson` (what was known of some users at the cut-offs and at the end) and `drift.json` (the
    feature whose distribution shifts in the last week). Every file carries the time of its simulated delivery. Files
    already in the folder stay, so a sample delivered in parts is the same as one delivered at once.

    Args:
        out: The raw folder; created when missing.
        seed: Start of all random numbers: same arguments, same bytes.
        days: Length of the simulated period. Labels look 14 days ahead, so a period below 22 days has none.
        rows: Approximate number of events in the whole period.
        start: Date of day 1.
        deliver: First and last day (from 1, inclusive) whose files are written; all of them when null. The key covers
            day 1 to the last of these days.

    Returns:
        Totals of everything delivered from day 1 to the last day.

    Raises:
        ValueError: When the period holds no day, no row, or not the days to deliver.
    """
    request = SampleRequest(seed=seed, days=days, rows=rows, start=start)
    last = deliver[1] if deliver else days
    people = build_people(request)
    history = live(request, people)
    events = event_batches(request, history.events)
    payments = payment_batches(request, history.payments)
    profiles = profile_batches(request, people)
    labels = label_batches(request, people, history)
    files = [batch.file for batches in (events, payments, profiles, labels) for batch in batches]
    known = Known(
        events=_newest(events, "event_id", last),
        payments=_newest(payments, "transaction_id", last),
        profiles=tuple(profile for batch in profiles if batch.file.day <= last for profile in batch.rows),
    )
    return deliver_sample(
        out,
        request,
        sorted(files, key=lambda file: (file.day, file.second, file.path)),
        sources=SOURCES,
        days=deliver,
        key=true_key(request, known, last),
        key_folder=KEY_FOLDER,
    )


def _newest(batches: Iterable[Batch[Row]], key: str, last: int) -> tuple[Row, ...]:
    """Return the rows of the files delivered so far, of each key the one that came last."""
    found = {getattr(row, key): row for batch in batches if batch.file.day <= last for row in batch.rows}
    return tuple(found.values())
