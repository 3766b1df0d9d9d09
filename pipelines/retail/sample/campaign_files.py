"""Campaigns as delivered: an array, one document or NDJSON per file, some spoiled, some no JSON at all."""

import json
from collections.abc import Callable
from dataclasses import replace

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.retail.sample.campaigns import Campaign, announced_by
from pipelines.retail.sample.truth import written_in

DELIVERED_AT_S = 6 * 3600
AGENCY_DELIVERED_AT_S = DELIVERED_AT_S + 1800
NOT_JSON_AT = 0.65
UPDATE_EVERY_DAYS = 3
OPENING_DAYS = 3  # one file of each shape on the first days, so that a short sample has them all
FIRST_GHOST = 901
ERROR_PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>agency-proxy</body></html>\n"

Record = dict[str, object]


def _performance(record: Record, **changes: float) -> Record:
    performance = record["performance"]
    if not isinstance(performance, dict):
        raise TypeError("A campaign record has no performance document.")
    return record | {"performance": performance | changes}


def _more_clicks(record: Record) -> Record:
    return _performance(record, impressions=100, clicks=1700, conversions=3)


def _end_first(record: Record) -> Record:
    return record | {"start_date": record["end_date"], "end_date": record["start_date"]}


def _negative_revenue(record: Record) -> Record:
    return _performance(record, revenue=-250.0)


SPOILERS: tuple[tuple[str, str, Callable[[Record], Record]], ...] = (
    ("clicks_exceed_impressions", "performance.clicks", _more_clicks),
    ("end_before_start", "end_date", _end_first),
    ("revenue_negative", "performance.revenue", _negative_revenue),
)


def _array(records: list[Record]) -> str:
    return json.dumps(records, ensure_ascii=False, indent=1) + "\n"


def _single(records: list[Record]) -> str:
    return json.dumps(records[0], ensure_ascii=False, indent=2) + "\n"


def _ndjson(records: list[Record]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


SHAPES: tuple[Callable[[list[Record]], str], ...] = (_array, _single, _ndjson)


def campaign_deliveries(request: SampleRequest, campaigns: list[Campaign]) -> list[Delivered]:
    """Return all campaign files; each carries the performance known on its day, the later file wins."""
    days = [day for day in range(1, request.days + 1) if day <= OPENING_DAYS or day % UPDATE_EVERY_DAYS == 0]
    regular = [_file(request, campaigns, day, turn) for turn, day in enumerate(days)]
    return regular + [_error_page(request, day) for day in request.fault_days(NOT_JSON_AT)]


def _file(request: SampleRequest, campaigns: list[Campaign], day: int, turn: int) -> Delivered:
    known = announced_by(campaigns, day)
    shape = SHAPES[turn % len(SHAPES)]
    entries: list[tuple[Record, Mark | None]] = [(campaign.record(request.start, day), None) for campaign in known]
    if day == 1:
        entries += [_spoiled(request, ghost, day, turn) for turn, ghost in enumerate(_ghosts(known[0]))]
    elif shape is _ndjson:
        place = turn % len(known)
        entries[place] = _spoiled(request, known[place], day, turn)
    if shape is _single:
        begun = sum(campaign.first_day <= day for campaign in known)
        entries = [entries[begun - 1]]
    return Delivered(
        source="campaigns",
        name=f"campaigns_{request.date_of(day)}.json",
        day=day,
        second=DELIVERED_AT_S,
        content=shape([record for record, _ in entries]).encode(),
        rows=len(entries),
        details=written_in("utf-8"),
        notes=tuple(
            Note(line, str(record["campaign_id"]), mark) for line, (record, mark) in enumerate(entries, 1) if mark
        ),
    )


def _ghosts(campaign: Campaign) -> list[Campaign]:
    return [replace(campaign, campaign_id=f"CMP{FIRST_GHOST + number}") for number in range(len(SPOILERS))]


def _spoiled(request: SampleRequest, campaign: Campaign, day: int, turn: int) -> tuple[Record, Mark]:
    kind, column, spoil = SPOILERS[turn // len(SHAPES) % len(SPOILERS) if day > 1 else turn]
    return spoil(campaign.record(request.start, day)), Mark(kind, column=column)


def _error_page(request: SampleRequest, day: int) -> Delivered:
    return Delivered(
        source="campaigns",
        name=f"campaigns_{request.date_of(day)}_agency.json",
        day=day,
        second=AGENCY_DELIVERED_AT_S,
        content=ERROR_PAGE,
        rows=None,
        fault="not_json",
        details=written_in("utf-8"),
    )
