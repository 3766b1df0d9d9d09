"""A handful of lines of every marketing source, worked out by hand around the night on which clocks are put forward."""

import gzip
import json
import os
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest

from tests.oracle.marketing_lake import MarketingHouse

NOW = datetime(2024, 5, 1, tzinfo=UTC)
BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:123.0) Gecko/20100101 Firefox/123.0"
SAT, SUN, MON = date(2024, 3, 30), date(2024, 3, 31), date(2024, 4, 1)

PLATFORMS = ("search_ads", "social_ads", "display_ads")
WITHOUT_CLICKS = ("rates", *PLATFORMS, "ad_metrics", "conversions", "conversion_values")

RATES = "currency,valid_from,rate\nEUR,1999-01-01,1\nUSD,2024-03-01,0.90\n"
CHANNELS = "source,medium,channel\nsearchly,cpc,paid_search\nnewsletter,email,email\n"
GEO = "first,last,country\n198.18.0.0,198.18.255.255,DE\n2001:db8:1::,2001:db8:1:ffff:ffff:ffff:ffff:ffff,FR\n"
SEARCH = "date,campaign_id,campaign,impressions,clicks,cost_micros,currency"
SEARCH_SAT = f"{SEARCH}\n2024-03-30,SA-1001,Brand,1000,50,10000000,EUR\n"
SEARCH_MON = f"""\
{SEARCH}
2024-03-30,SA-1001,Brand,1200,60,12000000,EUR
2024-03-31,SA-1001,Brand,2000,90,20000000,EUR
2024-04-01,SA-1001,Brand (new),800,40,8000000,EUR
2024-04-01,SA-1002,Shoes,10,11,1000000,EUR
"""
CRM = """\
conversion_id;user_id;converted_at;type;value;currency
C000001;U000001;2024-03-30 23:10:00;purchase;100.00;EUR
C000002;U000001;2024-04-01 12:00:00;refund;-30.05;USD
C000003;U000001;2024-04-01 12:00:00;purchase;-1.00;EUR
C000004;U000002;2024-04-01 12:00:00;lead;5.00;XTS
"""
SHOP = """\
conversion_id;user_id;converted_at_local;type;value;currency
C000005;U000009;2024-03-31 02:30:00;purchase;9.00;EUR
C000006;U000009;2024-03-31 03:30:00;purchase;9.00;EUR
"""


def social(day: date, campaign: str, spend: str) -> dict:
    return {
        "campaign": {"id": campaign, "name": "Looks"},
        "date_start": str(day),
        "insights": {"impressions": "500", "clicks": "5", "spend": spend},
        "account_currency": "USD",
    }


def event(number: int, ts: str, user: int, kind: str = "page_view", utm: str = "", **other: str) -> str:
    source, medium, campaign = [*utm.split("/"), "", ""][:3] if utm else ("", "", "")
    given = {"source": source, "medium": medium, "campaign": campaign or None} if utm else None
    whole = {
        "event_id": f"E{number:06d}",
        "ts": f"2024-{ts}Z",
        "user_id": f"U{user:06d}",
        "ip": "198.18.0.1",
        "user_agent": BROWSER,
        "type": kind,
        "url": "https://shop.example/",
        "utm": given,
    }
    return json.dumps(whole | other)


CLICKS = [
    event(1, "03-30T22:50:00.000", 1, "click", "searchly/cpc/SA-1001"),
    event(2, "03-30T23:20:00.000", 1),  # half an hour later: the same session
    event(3, "03-30T23:50:00.001", 1),  # more than that: another, on Berlin's Sunday
    event(4, "03-31T00:20:00.000", 2),  # 01:20 in Berlin
    event(5, "03-31T00:45:00.000", 2, "click", "newsletter/email"),  # 01:45, 25 minutes later
    event(6, "03-31T01:05:00.000", 2),  # 03:05, 20 minutes later
    event(7, "03-31T12:00:00.000", 3, "click", "searchly/cpc/SA-1001", user_agent="curl/8.5.0"),
    event(8, "03-31T12:00:00.000", 4, ip="10.1.2.3"),
    event(9, "03-31T12:00:00.000", 4, ip="not known"),
    event(10, "03-30T23:30:00.000", 5, "impression", "searchly/cpc/SA-1001", ip="2001:db8:1::9"),  # 00:30 in Berlin
    event(1, "03-30T22:50:00.000", 1, "click", "searchly/cpc/SA-1001"),
    event(11, "03-31T12:00:00.000", 5, "hover"),
    '{"event_id": "E000012", "ts": "2024-0',
    event(13, "04-01T08:00:00.000", 6, "click", "unheard/of"),
]
BURST = [event(100 + n, f"04-01T09:00:{n:02d}.000", 7, "click", "newsletter/email") for n in range(21)]
BRISK = [event(200 + n, f"04-01T09:00:{3 * n:02d}.000", 8, "click", "newsletter/email") for n in range(20)]


def deliver(house: MarketingHouse, path: str, content: str | bytes, day: date) -> None:
    target = house.raw / "marketing" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content.encode() if isinstance(content, str) else content)
    moment = datetime(day.year, day.month, day.day, 23, tzinfo=UTC).timestamp()
    os.utime(target, (moment, moment))


def deliver_display(house: MarketingHouse, day: date, cost: str) -> None:
    rows = {"day": [day], "line_item": ["DI-3001"], "imps": [9000], "clicks": [9], "media_cost": [Decimal(cost)]}
    path = house.raw / f"marketing/display_ads/display_{day}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pl.DataFrame({**rows, "currency": ["EUR"]}, schema_overrides={"media_cost": pl.Decimal(18, 4)}).write_parquet(path)


def deliver_all(house: MarketingHouse) -> None:
    deliver(house, "reference/rates_1.csv", RATES, SAT)
    deliver(house, "reference/channels_1.csv", CHANNELS, SAT)
    deliver(house, "reference/geo_1.csv", GEO, SAT)
    deliver(house, "search_ads/sat.csv", SEARCH_SAT, SAT)
    deliver(house, "search_ads/mon.csv", SEARCH_MON, MON)
    dump = json.dumps({"data": [social(SAT, "SO-2001", "5.00"), social(SAT, "SO-2002", "-1.00")], "paging": {}})
    deliver(house, "social_ads/sat.json", dump, SAT)
    deliver(house, "social_ads/sun.json", dump[:100], SUN)
    deliver(house, "social_ads/mon.json", json.dumps({"data": [social(MON, "SO-2001", "6.10")]}), MON)
    deliver_display(house, SAT, "2.0000")
    deliver(house, "clicks/c.ndjson.gz", gzip.compress("\n".join([*CLICKS, *BURST, *BRISK]).encode()), MON)
    deliver(house, "conversions/crm_1.csv", CRM, MON)
    deliver(house, "conversions/shop_1.csv", SHOP, MON)


def at(day: int, hour: int, minute: int, *, month: int = 3, ms: int = 0) -> datetime:
    return datetime(2024, month, day, hour, minute, 0, 1000 * ms, tzinfo=UTC)


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> MarketingHouse:
    found = MarketingHouse(tmp_path_factory.mktemp("marketing"), NOW)
    deliver_all(found)
    found.run()
    return found


def picked(house: MarketingHouse, table: str, *columns: str) -> list[tuple]:
    return sorted((tuple(row[column] for column in columns) for row in house.rows(table)), key=str)


def test_bad_rows_are_open_the_unknown_currency_waits_and_the_cut_dump_is_a_bad_file(house):
    assert [(file, line, state) for _, file, line, state in house.pending()] == [
        ("marketing/conversions/crm_1.csv", 4, "open"),
        ("marketing/conversions/crm_1.csv", 5, "waiting"),
        ("marketing/conversions/shop_1.csv", 2, "open"),
        ("marketing/clicks/c.ndjson.gz", 12, "open"),
        ("marketing/clicks/c.ndjson.gz", 13, "open"),
        ("marketing/search_ads/mon.csv", 5, "open"),
        ("marketing/social_ads/sat.json", 2, "open"),
        ("marketing/social_ads/sun.json", None, "open"),
    ]


def test_the_time_that_clocks_leave_out_is_refused_with_the_reason(house):
    refused = house.quarantine().filter(pl.col("file").str.ends_with("shop_1.csv"))
    assert refused["reasons"].to_list() == [["converted_at_local: is no time that clocks in Europe/Berlin show"]]


def test_sessions_are_cut_by_elapsed_time_and_belong_to_the_day_of_berlin(house):
    assert picked(house, "sessions", "user_id", "session_start", "session_end", "day", "events", "channel") == [
        ("U000001", at(30, 22, 50), at(30, 23, 20), SAT, 2, "paid_search"),
        ("U000001", at(30, 23, 50, ms=1), at(30, 23, 50, ms=1), SUN, 1, "direct"),
        ("U000002", at(31, 0, 20), at(31, 1, 5), SUN, 3, "direct"),
        ("U000004", at(31, 12, 0), at(31, 12, 0), SUN, 1, "direct"),
        ("U000006", at(1, 8, 0, month=4), at(1, 8, 0, month=4), MON, 1, "other"),
        ("U000008", at(1, 9, 0, month=4), at(1, 9, 0, month=4).replace(second=57), MON, 20, "email"),
    ]


def test_robots_are_those_who_say_so_and_those_with_more_than_twenty_events_within_a_minute(house):
    assert picked(house, "robots", "user_id", "has_bot_agent", "has_burst") == [
        ("U000003", True, False),
        ("U000007", False, True),
    ]


def test_every_good_event_is_kept_and_marked(house):
    marks = {row["event_id"]: (row["is_internal"], row["is_bot_agent"]) for row in house.rows("events")}
    assert len(marks) == 11 + 41
    assert [marks[f"E{n:06d}"] for n in (1, 7, 8, 9)] == [(False, False), (False, True), (True, False), (None, False)]
    countries = {row["event_id"]: row["country"] for row in house.rows("events")}
    assert [countries[f"E{n:06d}"] for n in (1, 8, 10)] == ["DE", None, "FR"]


def test_hours_count_people_only(house):
    columns = ("day", "hour_start", "channel", "campaign_id", "impressions", "clicks")
    assert picked(house, "hourly", *columns) == [
        (SAT, at(30, 22, 0), "paid_search", "SA-1001", 0, 1),
        (SUN, at(30, 23, 0), "paid_search", "SA-1001", 1, 0),
        (SUN, at(31, 0, 0), "email", None, 0, 1),
        (MON, at(1, 8, 0, month=4), "other", None, 0, 1),
        (MON, at(1, 9, 0, month=4), "email", None, 0, 20),
    ]


def test_conversions_are_valued_by_the_rate_of_their_day_in_berlin(house):
    assert picked(house, "conversion_values", "conversion_id", "day", "value_eur") == [
        ("C000001", SUN, Decimal("100.00")),
        ("C000002", MON, Decimal("-27.05")),  # 27.045, rounded away from zero
        ("C000006", SUN, Decimal("9.00")),
    ]


def test_a_purchase_and_its_refund_go_to_the_click_before_them(house):
    columns = ("day", "model", "channel", "campaign_id", "touches", "credit_eur")
    rows = [row for row in picked(house, "attribution", *columns) if row[1] == "linear"]
    assert rows == [
        (SUN, "linear", "(none)", None, 1, Decimal("9.00")),
        (SUN, "linear", "paid_search", "SA-1001", 1, Decimal("100.00")),
        (MON, "linear", "paid_search", "SA-1001", 1, Decimal("-27.05")),
    ]


def ad_days(house: MarketingHouse) -> list[tuple]:
    return picked(house, "ad_metrics", "campaign_id", "day", "clicks", "spend_eur", "is_fallback")


SEARCH_DAYS = [
    ("SA-1001", SAT, 60, Decimal(12), False),
    ("SA-1001", SUN, 90, Decimal(20), False),
    ("SA-1001", MON, 40, Decimal(8), False),
]
SOCIAL_DAYS = [
    ("SO-2001", SAT, 5, Decimal("4.50"), False),
    ("SO-2001", SUN, 5, Decimal("4.50"), True),
    ("SO-2001", MON, 5, Decimal("5.49"), False),
]


def test_what_a_platform_did_not_deliver_is_what_was_last_known_and_says_so(house):
    assert ad_days(house) == sorted(
        [
            ("DI-3001", SAT, 9, Decimal(2), False),
            ("DI-3001", SUN, 9, Decimal(2), True),
            ("DI-3001", MON, 9, Decimal(2), True),
            *SEARCH_DAYS,
            *SOCIAL_DAYS,
        ],
        key=str,
    )


def test_daily_spend_says_how_much_of_it_is_known_from_earlier_days(house):
    assert picked(house, "daily_spend", "channel", "day", "spend_eur", "campaigns", "fallbacks", "unknown") == [
        ("display", SAT, Decimal(2), 1, 0, 0),
        ("display", SUN, Decimal(2), 1, 1, 0),
        ("display", MON, Decimal(2), 1, 1, 0),
        ("paid_search", SAT, Decimal(12), 1, 0, 0),
        ("paid_search", SUN, Decimal(20), 1, 0, 0),
        ("paid_search", MON, Decimal(8), 1, 0, 0),
        ("paid_social", SAT, Decimal("4.50"), 1, 0, 0),
        ("paid_social", SUN, Decimal("4.50"), 1, 1, 0),
        ("paid_social", MON, Decimal("5.49"), 1, 0, 0),
    ]


def test_return_is_what_came_back_over_what_was_spent_so_far(house):
    rows = {(row["level"], row["channel"], row["day"]): row for row in house.rows("roi")}
    sunday, monday = rows["campaign", "paid_search", SUN], rows["channel", "paid_search", MON]
    assert (sunday["spend_eur_7d"], sunday["revenue_eur_7d"]) == (Decimal(32), Decimal(100))
    assert sunday["roi_7d"] == pytest.approx(68 / 32)
    assert (monday["spend_eur_28d"], monday["revenue_eur_28d"]) == (Decimal(40), Decimal("72.95"))
    assert monday["roi_28d"] == pytest.approx(32.95 / 40)
    assert rows["channel", "display", MON]["roi_7d"] == -1
    assert rows["channel", "(none)", SUN]["roi_7d"] is None


def test_a_delivery_that_comes_after_all_takes_the_place_of_the_fallback(tmp_path):
    late = MarketingHouse(tmp_path, NOW)
    deliver_all(late)
    late.run(only=WITHOUT_CLICKS)
    deliver_display(late, SUN, "3.1000")
    deliver(late, "reference/rates_2.csv", "currency,valid_from,rate\nXTS,2024-04-01,2\nUSD,2024-04-01,1\n", MON)
    late.run(only=WITHOUT_CLICKS)
    assert ad_days(late) == sorted(
        [
            ("DI-3001", SAT, 9, Decimal(2), False),
            ("DI-3001", SUN, 9, Decimal("3.10"), False),
            ("DI-3001", MON, 9, Decimal("3.10"), True),
            *SEARCH_DAYS,
            *SOCIAL_DAYS[:2],
            ("SO-2001", MON, 5, Decimal("6.10"), False),
        ],
        key=str,
    )
    assert picked(late, "conversion_values", "conversion_id", "value_eur") == [
        ("C000001", Decimal("100.00")),
        ("C000002", Decimal("-30.05")),
        ("C000004", Decimal("10.00")),
        ("C000006", Decimal("9.00")),
    ]


def test_a_campaign_that_its_platform_leaves_out_did_not_run_and_nothing_is_known_after_three_days(tmp_path):
    silent = MarketingHouse(tmp_path, NOW)
    deliver_all(silent)
    deliver(silent, "search_ads/two.csv", f"{SEARCH}\n2024-03-30,SA-1002,Shoes,10,1,1000000,EUR\n", MON)
    later = "".join(f"2024-04-0{day},SA-1001,Brand,10,1,1000000,EUR\n" for day in (2, 3))
    deliver(silent, "search_ads/later.csv", f"{SEARCH}\n{later}", MON)
    silent.run(only=("rates", *PLATFORMS, "ad_metrics"))
    rows = {
        (row["campaign_id"], row["day"]): (row["spend_eur"], row["is_fallback"]) for row in silent.rows("ad_metrics")
    }
    assert {rows["SA-1002", day] for _, day in rows if day > SAT} == {(Decimal(0), False)}
    assert rows["DI-3001", date(2024, 4, 2)] == (Decimal(2), True)
    assert rows["DI-3001", date(2024, 4, 3)] == (None, False)


def test_of_the_two_hours_that_clocks_show_alike_in_autumn_the_earlier_is_meant(tmp_path):
    autumn = MarketingHouse(tmp_path, datetime(2025, 1, 1, tzinfo=UTC))
    deliver_all(autumn)
    lines = "C000007;U000009;2024-10-27 02:30:00;purchase;9.00;EUR\nC000008;U000009;2024-10-27 03:00:00;lead;1.00;EUR\n"
    deliver(autumn, "conversions/shop_2.csv", SHOP.partition("\n")[0] + "\n" + lines, MON)
    autumn.run(only=("rates", "conversions"))
    times = {row["conversion_id"]: row["converted_at"] for row in autumn.rows("conversions")}
    assert times["C000007"] == at(27, 0, 30, month=10)
    assert times["C000008"] == at(27, 2, 0, month=10)
