"""One sample from end to end: all days are drawn, the files asked for written, and then the key."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from framework.testing import SampleRequest, Summary, deliver_sample
from pipelines.marketing.sample import (
    click_files,
    conversion_files,
    display_files,
    reference_files,
    search_files,
    social_files,
)
from pipelines.marketing.sample.click_files import ClickFeed
from pipelines.marketing.sample.conversion_files import ConversionFeed
from pipelines.marketing.sample.conversions import Till
from pipelines.marketing.sample.key import key_files
from pipelines.marketing.sample.records import Batch
from pipelines.marketing.sample.search_files import SearchFeed
from pipelines.marketing.sample.traffic import Traffic

DEFAULT_START = date(2024, 3, 11)
"""Four weeks from here hold the day on which Europe puts its clocks forward."""
SOURCES = (
    search_files.SOURCE,
    social_files.SOURCE,
    display_files.SOURCE,
    click_files.SOURCE,
    conversion_files.SOURCE,
    reference_files.SOURCE,
)
KEY_FOLDER = "marketing/_truth"


def generate(
    out: Path,
    *,
    seed: int = 7,
    days: int = 28,
    rows: int = 20_000,
    start: date = DEFAULT_START,
    deliver: tuple[int, int] | None = None,
) -> Summary:
    """Write messy marketing input and the key of what is wrong with it and of what is true.

    Six folders of files below `marketing/` (`search_ads`, `social_ads`, `display_ads`, `clicks`, `conversions`,
    `reference`), and `marketing/_truth` with `rows.ndjson` (one object per spoiled or special row), `files.ndjson`
    (one per file), `summary.json`, and what [`key_files`][pipelines.marketing.sample.key.key_files] lists. Every file
    carries the time of its simulated delivery. Files already in the folder stay, so a sample delivered in parts is
    the same as one delivered at once.

    Args:
        out: The raw folder; created when missing.
        seed: Start of all random numbers: same arguments, same bytes.
        days: Length of the simulated period.
        rows: Approximate number of events of the click-stream in the whole period.
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
    batches = [batch for batch in _batches(request, last) if batch.file.day <= last]
    batches.sort(key=lambda batch: (batch.file.day, batch.file.second))
    files = (batch.file for batch in batches)
    key = key_files(request, batches, last)
    return deliver_sample(out, request, files, sources=SOURCES, days=deliver, key=key, key_folder=KEY_FOLDER)


def _batches(request: SampleRequest, last: int) -> Iterator[Batch]:
    """Yield all files of day 1 to the last day at least."""
    yield from SearchFeed(request).deliver()
    yield from social_files.social_batches(request)
    yield from display_files.display_batches(request)
    yield from reference_files.reference_batches(request)
    traffic = Traffic(request)
    till, clicks, conversions = Till(request, traffic), ClickFeed(request), ConversionFeed(request)
    for day in range(1, min(last, request.days) + 1):
        events, visits = traffic.on(day)
        yield from clicks.deliver(day, events)
        yield conversions.shop(day, till.in_shops(day))
        yield conversions.crm(day, till.online(day, visits))
