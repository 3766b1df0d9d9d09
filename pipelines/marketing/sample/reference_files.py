"""Reference tables as delivered: dated currency rates, the taxonomy of channels, countries of address ranges."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

from framework.testing import Delivered, Mark, Note, SampleRequest
from pipelines.marketing.sample.records import Batch, ChannelRule, Rate

SOURCE = "marketing/reference"
RATES_AT_S, TABLES_AT_S = 3 * 3600, 3600
WRONG_HEADER_AT = 0.63
WEEKEND = 5
LATE_CURRENCY, LATE_CURRENCY_DAY = "PLN", 10
NEW_CHANNEL_DAY = 15
PLACES = 6
USUAL = {"CHF": 1.03, "GBP": 1.17, "USD": 0.92, LATE_CURRENCY: 0.23}

CHANNELS = (
    ChannelRule("searchly", "cpc", "paid_search"),
    ChannelRule("searchly", "organic", "organic_search"),
    ChannelRule("chirper", "paid_social", "paid_social"),
    ChannelRule("bannernet", "display", "display"),
    ChannelRule("newsletter", "email", "email"),
)
LATER_CHANNELS = (ChannelRule("partnerly", "referral", "referral"),)
RANGES = (  # (first, last, country); what lies between them is in no country
    ("198.18.0.0", "198.18.127.255", "DE"),
    ("198.18.128.0", "198.18.191.255", "AT"),
    ("198.18.192.0", "198.18.223.255", "CH"),
    ("198.19.0.0", "198.19.127.255", "GB"),
    ("198.19.128.0", "198.19.255.255", "US"),
    ("2001:db8:1::", "2001:db8:1:ffff:ffff:ffff:ffff:ffff", "DE"),
    ("2001:db8:2::", "2001:db8:2:ffff:ffff:ffff:ffff:ffff", "FR"),
)


def late_currency_day(request: SampleRequest) -> int:
    """Return the day on which the rate of a currency that is in use already becomes known."""
    return min(LATE_CURRENCY_DAY, request.days)


def rates_file(request: SampleRequest, day: int) -> str:
    """Return the path of a day's rates."""
    return f"{SOURCE}/rates_{request.date_of(day)}.csv"


def reference_batches(request: SampleRequest) -> Iterator[Batch]:
    """Yield the tables of the first day, the later channel, and the rates of every working day.

    The broken rates come on any day.
    """
    yield _channels(request, 1, CHANNELS, bad=True)
    yield _ranges(request)
    if request.days >= NEW_CHANNEL_DAY:
        yield _channels(request, NEW_CHANNEL_DAY, LATER_CHANNELS, bad=False)
    broken = request.fault_days(WRONG_HEADER_AT)
    for day in range(1, request.days + 1):
        if request.date_of(day).weekday() < WEEKEND or day in {1, late_currency_day(request), *broken}:
            yield _rates(request, day, is_broken=day in broken and day != late_currency_day(request))


def _rate(request: SampleRequest, currency: str, day: int) -> Rate:
    wobble = request.dice("rate", currency, day).uniform(0.985, 1.015)
    return Rate(currency, request.date_of(day), round(Decimal(USUAL[currency] * wobble), PLACES))


def _opening(request: SampleRequest) -> list[Rate]:
    """The rates that hold before the period: a week back, so that nothing in it is without one."""
    before = request.date_of(1) - timedelta(days=7)
    known = [Rate(currency, before, round(Decimal(USUAL[currency]), PLACES)) for currency in ("CHF", "GBP", "USD")]
    return [Rate("EUR", date(1999, 1, 1), Decimal(1)), *known]


def _rates(request: SampleRequest, day: int, *, is_broken: bool) -> Batch:
    good = [_rate(request, currency, day) for currency in ("CHF", "GBP", "USD")]
    if day == 1:
        good = [*_opening(request), *good]
    if day >= late_currency_day(request):
        good.append(_rate(request, LATE_CURRENCY, day))
    if day == late_currency_day(request):
        good.append(Rate(LATE_CURRENCY, request.date_of(1), round(Decimal(USUAL[LATE_CURRENCY]), PLACES)))
    lines = [f"{rate.currency},{rate.valid_from},{rate.rate}" for rate in good]
    notes, place = [], len(lines)
    correction = _correction(request, day)
    if correction:
        good.append(correction)
        lines.append(f"{correction.currency},{correction.valid_from},{correction.rate}")
        notes.append(Note(place + 2, correction.currency, Mark("corrected", "updated", "rate")))
    kind, column, line = _bad_rates(request.date_of(day))[day % 4]
    lines.append(line)
    notes.append(Note(len(lines) + 1, None, Mark(kind, column=column)))
    name = rates_file(request, day).removeprefix(f"{SOURCE}/")
    if is_broken:
        return Batch(_file(name, day, RATES_AT_S, "ccy,valid_from,rate", lines, fault="wrong_header"))
    return Batch(_file(name, day, RATES_AT_S, "currency,valid_from,rate", lines, notes), good)


def _correction(request: SampleRequest, day: int) -> Rate | None:
    """A rate of the opening, stated once more and differently in the second week."""
    if day != min(9, request.days) or day == 1:
        return None
    first = _rate(request, "GBP", 1)
    return Rate("GBP", first.valid_from, first.rate + Decimal("0.01"))


def _bad_rates(day: date) -> tuple[tuple[str, str, str], ...]:
    return (
        ("rate_not_positive", "rate", f"USD,{day},0"),
        ("rate_not_a_number", "rate", f'USD,{day},"0,91"'),
        ("valid_from_unparsable", "valid_from", "GBP,31.03.2024,1.17"),
        ("currency_malformed", "currency", f"dollar,{day},0.92"),
    )


def _channels(request: SampleRequest, day: int, rules: tuple[ChannelRule, ...], *, bad: bool) -> Batch:
    lines = [f"{rule.source},{rule.medium},{rule.channel}" for rule in rules]
    notes = []
    if bad:
        lines += ["mystery,popup,", "mystery,popup,Pop-Up Ads"]
        notes.append(Note(len(rules) + 2, "mystery", Mark("channel_missing", column="channel")))
        notes.append(Note(len(rules) + 3, "mystery", Mark("channel_unknown", column="channel")))
    name = f"channels_{request.date_of(day)}.csv"
    return Batch(_file(name, day, TABLES_AT_S, "source,medium,channel", lines, notes), rules)


def _ranges(request: SampleRequest) -> Batch:
    lines = [",".join(one) for one in RANGES]
    lines += ["198.20.0.0,198.20.0.255,Germany", "198.20.1,198.20.1.255,DE"]
    notes = [
        Note(len(RANGES) + 2, "198.20.0.0", Mark("country_malformed", column="country")),
        Note(len(RANGES) + 3, "198.20.1", Mark("address_malformed", column="first")),
    ]
    return Batch(_file(f"geo_{request.date_of(1)}.csv", 1, TABLES_AT_S + 60, "first,last,country", lines, notes))


def _file(
    name: str, day: int, second: int, header: str, lines: list[str], notes: list[Note] | None = None, fault: str = ""
) -> Delivered:
    return Delivered(
        source=SOURCE,
        name=name,
        day=day,
        second=second,
        content=("\n".join([header, *lines]) + "\n").encode(),
        rows=len(lines),
        fault=fault or None,
        notes=tuple(notes or ()),
    )
