"""The social platform's daily dumps of its API: one JSON document each; one comes cut off and is never sent again."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.marketing.sample.campaigns import reported, running
from pipelines.marketing.sample.records import AdRow, Batch

SOURCE = "marketing/social_ads"
DELIVERED_AT_S = 5 * 3600
TRUNCATED_AT = 0.5
KEPT_SHARE = 0.6
FIRST_GHOST = 2901  # campaigns that exist nowhere else: their records are all spoiled

Document = dict[str, Any]


def _insights(**changes: str | None) -> Callable[[Document], Document]:
    return lambda record: record | {"insights": record["insights"] | changes}


SPOILERS: tuple[tuple[str, str | None, str, Callable[[Document], Document]], ...] = (
    ("spend_negative", "cost", "quarantined", _insights(spend="-5.00")),
    ("clicks_exceed_impressions", "clicks", "quarantined", _insights(impressions="3", clicks="40")),
    ("date_unparsable", "day", "quarantined", lambda record: record | {"date_start": "yesterday"}),
    ("campaign_missing", "campaign_id", "quarantined", lambda record: record | {"campaign": None}),
    ("spend_missing", "cost", "quarantined", _insights(spend=None)),
    ("currency_unknown", "currency", "waiting", lambda record: record | {"account_currency": "XTS"}),
    ("insights_no_object", None, "quarantined", lambda record: record | {"insights": "none"}),
)


def social_batches(request: SampleRequest) -> Iterator[Batch]:
    """Yield one dump per day."""
    broken = request.fault_days(TRUNCATED_AT)
    for day in range(1, request.days + 1):
        rows = [reported(request, campaign, day) for campaign in running("social", day)]
        documents, notes = [_document(row) for row in rows], []
        kind, column, verdict, spoil = SPOILERS[(day - 1) % len(SPOILERS)]
        place = request.dice("social", day).randint(0, len(documents))
        ghost = spoil(_document(rows[0]) | {"campaign": {"id": f"SO-{FIRST_GHOST + day % 90}", "name": "Ghost"}})
        documents.insert(place, ghost)
        notes.append(Note(place + 1, None, Mark(kind, verdict, column)))
        content = json.dumps(
            {"data": documents, "paging": {"cursors": {"after": f"c{day}"}}}, ensure_ascii=False, indent=1
        ).encode()
        if day in broken:
            yield Batch(_file(request, day, content[: int(len(content) * KEPT_SHARE)], None, "truncated_json"))
        else:
            yield Batch(_file(request, day, content, len(documents), None, tuple(notes)), rows)


def _document(row: AdRow) -> Document:
    return {
        "campaign": {"id": row.campaign_id, "name": row.campaign},
        "date_start": str(row.day),
        "insights": {"impressions": str(row.impressions), "clicks": str(row.clicks), "spend": str(row.cost)},
        "account_currency": row.currency,
    }


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
        name=f"social_{request.date_of(day)}.json",
        day=day,
        second=DELIVERED_AT_S,
        content=content,
        rows=rows,
        fault=fault,
        notes=notes,
    )
