"""One sample from end to end: all days are drawn, the files asked for written, and then the key."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from framework.testing import Delivered, SampleRequest, Summary, deliver_sample
from pipelines.retail.sample.campaign_files import campaign_deliveries
from pipelines.retail.sample.campaigns import build_campaigns
from pipelines.retail.sample.catalogue import build_catalogue
from pipelines.retail.sample.customers import customer_deliveries
from pipelines.retail.sample.inventory import StockFeed
from pipelines.retail.sample.product_files import product_deliveries
from pipelines.retail.sample.sales_files import SalesFeed

DEFAULT_START = date(2024, 1, 1)
SOURCES = ("sales", "products", "customers", "inventory", "campaigns")


def generate(
    out: Path,
    *,
    seed: int = 7,
    days: int = 28,
    rows: int = 20_000,
    start: date = DEFAULT_START,
    deliver: tuple[int, int] | None = None,
) -> Summary:
    """Write messy retail input and the key of what is wrong with it.

    Five folders of files (`sales`, `products`, `customers`, `inventory`, `campaigns`) and `_truth` with
    `rows.ndjson` (one object per spoiled or special row), `files.ndjson` (one per file) and `summary.json`.
    Every file carries the time of its simulated delivery. Files already in the folder stay, so a sample
    delivered in parts is the same as one delivered at once.

    Args:
        out: The raw folder; created when missing.
        seed: Start of all random numbers: same arguments, same bytes.
        days: Length of the simulated period.
        rows: Approximate number of sale lines in the whole period.
        start: Date of day 1.
        deliver: First and last day (from 1, inclusive) whose files are written; all of them when null. The
            key covers day 1 to the last of these days.

    Returns:
        Totals of everything delivered from day 1 to the last day.

    Raises:
        ValueError: When the period holds no day, no row, or not the days to deliver.
    """
    request = SampleRequest(seed=seed, days=days, rows=rows, start=start)
    last = deliver[1] if deliver else days
    return deliver_sample(out, request, _deliveries(request, last), sources=SOURCES, days=deliver)


def _deliveries(request: SampleRequest, last: int) -> Iterator[Delivered]:
    """Yield all files of day 1 to the last day in order of delivery."""
    catalogue, campaigns = build_catalogue(request), build_campaigns(request)
    prepared = [
        *customer_deliveries(request),
        *product_deliveries(request, catalogue),
        *campaign_deliveries(request, campaigns),
    ]
    sales, stock = SalesFeed(request, catalogue, campaigns), StockFeed(request, catalogue)
    for day in range(1, last + 1):
        sold = sales.deliver(day)
        today = [file for file in prepared if file.day == day]
        yield from sorted([*today, stock.deliver(day, sold.units), *sold.files], key=lambda file: file.second)
