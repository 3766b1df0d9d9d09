"""The marketing domain: what its sources must look like, and what the tables made of them hold.

Money is decimal: ad costs to the millionth, in which platforms state them, all other amounts to the cent. Times are
UTC; the business day, wherever one is cut from a time, is Berlin's.
"""

from __future__ import annotations

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from framework import run_time

ZONE = "Europe/Berlin"
COST = pl.Decimal(18, 6)
AMOUNT = pl.Decimal(18, 2)
Cost = Annotated[pl.Decimal, 18, 6]
Amount = Annotated[pl.Decimal, 18, 2]
Moment = Annotated[pl.Datetime, "us", "UTC"]
LocalMoment = Annotated[pl.Datetime, "us", None]

LOCAL = "%Y-%m-%d %H:%M:%S"
CURRENCY = r"[A-Z]{3}$"
COUNTRY = r"[A-Z]{2}$"
USER = r"U[0-9]{6,}$"
EVENT = r"E[0-9]{6,}$"
CONVERSION = r"C[0-9]{6,}$"
SEARCH_CAMPAIGN, SOCIAL_CAMPAIGN, DISPLAY_CAMPAIGN = r"SA-[0-9]{4}$", r"SO-[0-9]{4}$", r"DI-[0-9]{4}$"
IPV4 = r"(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)\.){3}(?:25[0-5]|2[0-4]\d|1?\d?\d)"
ADDRESS = rf"(?:{IPV4}|[0-9a-fA-F:]*:[0-9a-fA-F:]*:[0-9a-fA-F:]*)$"
EVENT_TYPES = ["impression", "click", "page_view"]
CONVERSION_TYPES = ["purchase", "lead", "refund"]
CHANNELS = ["paid_search", "organic_search", "paid_social", "display", "email", "referral", "affiliate"]
PLATFORMS = ["search", "social", "display"]


def _not_in_future(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key) <= pl.lit(run_time()))


def _within(data: PolarsData, part: str, whole: str) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(part) <= pl.col(whole))


class SearchAd(pa.DataFrameModel):
    """One row per campaign and day as the search platform exports it; costs in millionths of the currency."""

    date: pl.Date
    campaign_id: str = pa.Field(str_matches=SEARCH_CAMPAIGN)
    campaign: str
    impressions: int = pa.Field(ge=0)
    clicks: int = pa.Field(ge=0)
    cost_micros: int = pa.Field(ge=0)
    currency: str = pa.Field(str_matches=CURRENCY)

    @pa.dataframe_check(error="clicks: must not exceed impressions")
    def clicks_within_impressions(cls, data: PolarsData) -> pl.LazyFrame:
        """Only what was shown can be clicked."""
        return _within(data, "clicks", "impressions")


class SocialAd(pa.DataFrameModel):
    """One row per campaign and day as the social platform's API gives it."""

    campaign_id: str = pa.Field(str_matches=SOCIAL_CAMPAIGN)
    campaign: str
    day: pl.Date
    impressions: int = pa.Field(ge=0)
    clicks: int = pa.Field(ge=0)
    cost: Cost = pa.Field(ge=0)
    currency: str = pa.Field(str_matches=CURRENCY)

    @pa.dataframe_check(error="clicks: must not exceed impressions")
    def clicks_within_impressions(cls, data: PolarsData) -> pl.LazyFrame:
        """Only what was shown can be clicked."""
        return _within(data, "clicks", "impressions")


class DisplayAd(pa.DataFrameModel):
    """One row per line item and day as the display platform writes it; it gives no names."""

    day: pl.Date
    line_item: str = pa.Field(str_matches=DISPLAY_CAMPAIGN)
    imps: int = pa.Field(ge=0)
    clicks: int = pa.Field(ge=0)
    media_cost: Cost = pa.Field(ge=0)
    currency: str = pa.Field(str_matches=CURRENCY)

    @pa.dataframe_check(error="clicks: must not exceed impressions")
    def clicks_within_impressions(cls, data: PolarsData) -> pl.LazyFrame:
        """Only what was shown can be clicked."""
        return _within(data, "clicks", "imps")


class AdMetric(pa.DataFrameModel):
    """One row per platform, campaign and day: what the platform reports, in the currency in which it bills."""

    platform: str = pa.Field(isin=PLATFORMS)
    campaign_id: str
    campaign: str = pa.Field(nullable=True)
    day: pl.Date
    impressions: int = pa.Field(ge=0)
    clicks: int = pa.Field(ge=0)
    cost: Cost = pa.Field(ge=0)
    currency: str


class AdDay(pa.DataFrameModel):
    """One row per platform, campaign and day, without gaps, in euros; null where nothing is known."""

    platform: str = pa.Field(isin=PLATFORMS)
    campaign_id: str
    campaign: str = pa.Field(nullable=True)
    channel: str
    day: pl.Date
    impressions: int = pa.Field(nullable=True, ge=0)
    clicks: int = pa.Field(nullable=True, ge=0)
    spend_eur: Cost = pa.Field(nullable=True, ge=0)
    is_fallback: bool


class Rate(pa.DataFrameModel):
    """One row per currency and day from which the rate holds: euros per unit."""

    currency: str = pa.Field(str_matches=CURRENCY)
    valid_from: pl.Date
    rate: Cost = pa.Field(gt=0)


class Channel(pa.DataFrameModel):
    """One row per utm source and medium, with the channel that they mean."""

    source: str
    medium: str
    channel: str = pa.Field(isin=CHANNELS)


class AddressRange(pa.DataFrameModel):
    """One row per range of addresses, both ends included, with its country (ISO 3166, two letters)."""

    first: str
    last: str
    country: str = pa.Field(str_matches=COUNTRY)

    @pa.check("first", "last", error="must be an IPv4 or IPv6 address")
    def is_address(cls, data: PolarsData) -> pl.LazyFrame:
        """Only addresses can be compared."""
        return data.lazyframe.select(pl.col(data.key).str.contains(f"^{ADDRESS}"))


class Click(pa.DataFrameModel):
    """One row per line of the click-stream; it may say no origin, address or agent."""

    event_id: str = pa.Field(str_matches=EVENT)
    occurred_at: Moment
    user_id: str = pa.Field(str_matches=USER)
    ip: str = pa.Field(nullable=True, metadata={"sensitive": True})
    user_agent: str = pa.Field(nullable=True)
    type: str = pa.Field(isin=EVENT_TYPES)
    url: str = pa.Field(nullable=True)
    utm_source: str = pa.Field(nullable=True)
    utm_medium: str = pa.Field(nullable=True)
    utm_campaign: str = pa.Field(nullable=True)

    @pa.check("occurred_at", error="must not be in the future")
    def not_in_future(cls, data: PolarsData) -> pl.LazyFrame:
        """An event has happened."""
        return _not_in_future(data)


class Event(pa.DataFrameModel):
    """One row per event: where it came from, and whether it counts.

    `day` is Berlin's. `channel` is `direct` without utm and `other` where the taxonomy does not know it. `country` is
    null where no range holds the address, `is_internal` where the address cannot be read.
    """

    event_id: str
    occurred_at: Moment
    day: pl.Date
    user_id: str
    type: str
    url: str = pa.Field(nullable=True)
    channel: str
    campaign_id: str = pa.Field(nullable=True)
    country: str = pa.Field(nullable=True)
    is_internal: bool = pa.Field(nullable=True)
    is_bot_agent: bool


class Robot(pa.DataFrameModel):
    """One row per user of the click-stream who is a robot: it says so, or is faster than people are."""

    user_id: str
    has_bot_agent: bool
    has_burst: bool


class CrmConversion(pa.DataFrameModel):
    """One row per conversion as the CRM exports it, in UTC."""

    conversion_id: str = pa.Field(str_matches=CONVERSION)
    user_id: str = pa.Field(str_matches=USER)
    converted_at: Moment = pa.Field(metadata={"formats": LOCAL})
    type: str = pa.Field(isin=CONVERSION_TYPES)
    value: Amount
    currency: str = pa.Field(str_matches=CURRENCY)

    @pa.check("converted_at", error="must not be in the future")
    def not_in_future(cls, data: PolarsData) -> pl.LazyFrame:
        """A conversion has happened."""
        return _not_in_future(data)

    @pa.dataframe_check(error="value: only a refund is below zero, and a refund always is")
    def sign_fits_type(cls, data: PolarsData) -> pl.LazyFrame:
        """The sign of the value follows from the type."""
        return data.lazyframe.select((pl.col("value") < 0) == (pl.col("type") == "refund"))


class ShopConversion(pa.DataFrameModel):
    """One row per sale over the counter, at the time that the shop's clocks in Berlin show."""

    conversion_id: str = pa.Field(str_matches=CONVERSION)
    user_id: str = pa.Field(str_matches=USER)
    converted_at_local: LocalMoment = pa.Field(metadata={"formats": LOCAL})
    type: str = pa.Field(isin=CONVERSION_TYPES)
    value: Amount
    currency: str = pa.Field(str_matches=CURRENCY)

    @pa.check("converted_at_local", error=f"is no time that clocks in {ZONE} show")
    def is_shown(cls, data: PolarsData) -> pl.LazyFrame:
        """The hour that clocks leave out in spring is on none of them."""
        zoned = pl.col(data.key).dt.replace_time_zone(ZONE, ambiguous="earliest", non_existent="null")
        return data.lazyframe.select(zoned.is_not_null())

    @pa.dataframe_check(error="value: only a refund is below zero, and a refund always is")
    def sign_fits_type(cls, data: PolarsData) -> pl.LazyFrame:
        """The sign of the value follows from the type."""
        return data.lazyframe.select((pl.col("value") < 0) == (pl.col("type") == "refund"))


class Conversion(pa.DataFrameModel):
    """One row per conversion, whoever reported it; refunds are negative. `day` is Berlin's."""

    conversion_id: str
    user_id: str
    converted_at: Moment
    day: pl.Date
    type: str
    value: Amount
    currency: str
    origin: str


class ConversionValue(pa.DataFrameModel):
    """One row per conversion with its value in euros by the rate of its day; null before the currency's first rate."""

    conversion_id: str
    user_id: str
    converted_at: Moment
    day: pl.Date
    type: str
    value_eur: Amount = pa.Field(nullable=True)


class HourlyTraffic(pa.DataFrameModel):
    """One row per hour, channel and campaign in which people from outside saw or clicked something."""

    day: pl.Date
    hour_start: Moment
    hour_end: Moment
    channel: str
    campaign_id: str = pa.Field(nullable=True)
    impressions: int = pa.Field(ge=0)
    clicks: int = pa.Field(ge=0)


class Session(pa.DataFrameModel):
    """One row per session of a person from outside; what they were only shown elsewhere is no visit."""

    user_id: str
    session_start: Moment
    session_end: Moment
    session_number: int = pa.Field(gt=0)
    day: pl.Date
    duration_s: float = pa.Field(ge=0)
    events: int = pa.Field(gt=0)
    clicks: int = pa.Field(ge=0)
    channel: str
    campaign_id: str = pa.Field(nullable=True)
    country: str = pa.Field(nullable=True)
    is_bounce: bool


class Touch(pa.DataFrameModel):
    """One row per touch of a conversion, in order; one at position 0 for a conversion without any.

    `day` is the conversion's. A touch is a click of a person from outside, at most three weeks before the conversion.
    """

    user_id: str
    conversion_id: str
    position: int = pa.Field(ge=0)
    touches: int = pa.Field(ge=0)
    converted_at: Moment
    day: pl.Date
    type: str
    value_eur: Amount = pa.Field(nullable=True)
    event_id: str = pa.Field(nullable=True)
    touched_at: Moment = pa.Field(nullable=True)
    age_s: float = pa.Field(nullable=True, ge=0)
    channel: str
    campaign_id: str = pa.Field(nullable=True)


class LostTouch(pa.DataFrameModel):
    """One row per touch of somebody who has not converted yet, in order; `conversion_id` is the user."""

    user_id: str
    conversion_id: str
    position: int = pa.Field(gt=0)
    touches: int = pa.Field(gt=0)
    ended_at: Moment
    event_id: str
    touched_at: Moment
    age_s: float = pa.Field(ge=0)
    channel: str
    campaign_id: str = pa.Field(nullable=True)


class Credit(pa.DataFrameModel):
    """One row per model, channel, campaign and day of conversion: what the conversions are credited with."""

    day: pl.Date
    model: str
    channel: str
    campaign_id: str = pa.Field(nullable=True)
    touches: int = pa.Field(gt=0)
    credit_eur: Amount


class ChannelCredit(pa.DataFrameModel):
    """One row per model of all journeys together and channel: what the channel is credited with."""

    model: str
    channel: str
    credit_eur: Amount


class DailySpend(pa.DataFrameModel):
    """One row per channel and day: what was spent, and how many of the campaigns' days are known from earlier days."""

    channel: str
    day: pl.Date
    spend_eur: Cost
    campaigns: int = pa.Field(gt=0)
    fallbacks: int = pa.Field(ge=0)
    unknown: int = pa.Field(ge=0)


class Roi(pa.DataFrameModel):
    """One row per campaign and day, and one per channel and day: the return of the last 7 and 28 days.

    `level` says which; `campaign_id` is null at the level of channels, and for what belongs to no campaign. ROI is
    revenue less spend, over spend; null where nothing was spent.
    """

    level: str = pa.Field(isin=["campaign", "channel"])
    channel: str
    campaign_id: str = pa.Field(nullable=True)
    day: pl.Date
    spend_eur: Cost
    revenue_eur: Amount
    spend_eur_7d: Cost
    revenue_eur_7d: Amount
    roi_7d: float = pa.Field(nullable=True)
    spend_eur_28d: Cost
    revenue_eur_28d: Amount
    roi_28d: float = pa.Field(nullable=True)
