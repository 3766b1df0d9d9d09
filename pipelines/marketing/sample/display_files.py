"""The display platform's daily Parquet files; on some days it delivers nothing at all, or half a file."""

from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any

import polars as pl

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.marketing.sample.campaigns import reported, running
from pipelines.marketing.sample.records import AdRow, Batch

SOURCE = "marketing/display_ads"
DELIVERED_AT_S = 6 * 3600
SILENT_AT = (0.3, 0.72, 0.75, 0.79, 0.83)
"""One day without a file, and later four in a row: one more than what is known last may be used for."""
TRUNCATED_AT = 0.6
FIRST_GHOST = 3901
SCHEMA = pl.Schema(
    [
        ("day", pl.Date()),
        ("line_item", pl.String()),
        ("imps", pl.Int64()),
        ("clicks", pl.Int64()),
        ("media_cost", pl.Decimal(18, 4)),
        ("currency", pl.String()),
    ]
)

Values = dict[str, Any]


SPOILERS: tuple[tuple[str, str, str, Callable[[Values], Values]], ...] = (
    ("cost_negative", "cost", "quarantined", lambda row: row | {"media_cost": -row["media_cost"]}),
    ("clicks_exceed_impressions", "clicks", "quarantined", lambda row: row | {"clicks": row["imps"] + 1}),
    ("day_missing", "day", "quarantined", lambda row: row | {"day": None}),
    ("line_item_missing", "campaign_id", "quarantined", lambda row: row | {"line_item": None}),
    ("currency_unknown", "currency", "waiting", lambda row: row | {"currency": "XTS"}),
    ("impressions_negative", "impressions", "quarantined", lambda row: row | {"imps": -1, "clicks": -2}),
)


def silent_days(request: SampleRequest) -> set[int]:
    """Return the days on which nothing is delivered."""
    return {day for fraction in SILENT_AT for day in request.fault_days(fraction)}


def display_batches(request: SampleRequest) -> Iterator[Batch]:
    """Yield one file per day on which there is one."""
    silent, broken = silent_days(request), request.fault_days(TRUNCATED_AT)
    for day in range(1, request.days + 1):
        if day in silent:
            continue
        rows = [reported(request, campaign, day) for campaign in running("display", day)]
        kind, column, verdict, spoil = SPOILERS[(day - 1) % len(SPOILERS)]
        values = [_values(row) for row in rows]
        place = request.dice("display", day).randint(0, len(rows))
        values.insert(place, spoil(values[0] | {"line_item": f"DI-{FIRST_GHOST + day % 90}"}))
        content = _parquet(values)
        if day in broken:
            yield Batch(_file(request, day, content[: len(content) * 2 // 3], None, "truncated_parquet"))
        else:
            notes = (Note(place + 1, None, Mark(kind, verdict, column)),)
            yield Batch(_file(request, day, content, len(values), None, notes), rows)


def _values(row: AdRow) -> Values:
    return {
        "day": row.day,
        "line_item": row.campaign_id,
        "imps": row.impressions,
        "clicks": row.clicks,
        "media_cost": row.cost,
        "currency": row.currency,
    }


def _parquet(rows: list[Values]) -> bytes:
    """Return the rows as one Parquet file, in their order."""
    buffer = BytesIO()
    pl.DataFrame(rows, schema=SCHEMA, orient="row").write_parquet(buffer, compression="zstd")
    return buffer.getvalue()


def _file(
    request: SampleRequest,
    day: int,
    content: bytes,
    rows: int | None,
    fault: str | None,
    notes: tuple[Note, ...] = (),
) -> Delivered:
    return Delivered(
        source=SOURCE,
        name=f"display_{request.date_of(day)}.parquet",
        day=day,
        second=DELIVERED_AT_S,
        content=content,
        rows=rows,
        fault=fault,
        notes=notes,
    )
