"""The further files of the key: what is true of everything delivered so far, one JSON object per line."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict

from framework.testing import SampleRequest
from pipelines.marketing.sample.money import WINDOWS_DAYS, Return, ad_days, returns
from pipelines.marketing.sample.planned import planned_credit
from pipelines.marketing.sample.records import Batch
from pipelines.marketing.sample.truth import Truth

Entry = dict[str, object]


def key_files(request: SampleRequest, batches: Iterable[Batch], through_day: int) -> dict[str, str]:
    """Return the texts of the key by file name.

    `sessions.ndjson`: the sessions of people. `robots.ndjson`: users that are robots, and how it shows.
    `credit.ndjson`: what each model credits the touches of the visitors planned by hand. `ad_days.ndjson`: every
    campaign's days in euros, fallbacks marked. `roi.ndjson`: spend, revenue (last touch) and return of the last 7 and
    28 days.
    """
    truth = Truth(batches)
    return {
        "sessions.ndjson": _lines(map(asdict, truth.sessions())),
        "robots.ndjson": _lines({"user_id": user, "kind": kind} for user, kind in truth.robots().items()),
        "credit.ndjson": _lines(planned_credit(request, through_day)),
        "ad_days.ndjson": _lines(map(asdict, ad_days(truth))),
        "roi.ndjson": _lines(map(_told, returns(truth))),
    }


def _told(one: Return) -> Entry:
    level, channel, campaign = one.key
    entry: Entry = {"level": level, "channel": channel, "campaign_id": campaign, "day": one.day}
    for days in WINDOWS_DAYS:
        entry |= {
            f"spend_{days}d": one.spend[days],
            f"revenue_{days}d": one.revenue[days],
            f"roi_{days}d": one.roi(days),
        }
    return entry


def _lines(entries: Iterable[Entry]) -> str:
    return "".join(_texts(entries))


def _texts(entries: Iterable[Entry]) -> Iterator[str]:
    for entry in entries:
        yield json.dumps(entry, ensure_ascii=False, default=str) + "\n"
