"""The features domain: raw user events, transactions, profiles and labels, and the features and sets made of them.

Times are UTC and days are UTC days. Money is decimal, to the cent. `as_of` is a cut-off: a day at whose beginning
(00:00 UTC) a prediction is made, so that only what happened before it may be known.
"""

from __future__ import annotations

from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from framework import run_time

AMOUNT = pl.Decimal(18, 2)
Amount = Annotated[pl.Decimal, 18, 2]
Moment = Annotated[pl.Datetime, "us", "UTC"]

EVENT = r"EV[0-9]{8,}$"
TRANSACTION = r"TR[0-9]{8,}$"
USER = r"US[0-9]{6,}$"
KINDS = ["view", "search", "add_to_cart", "checkout"]
PLANS = ["free", "plus", "pro"]


def _not_in_future(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key) <= pl.lit(run_time()))


def _day_has_begun(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.col(data.key) <= pl.lit(run_time().date()))


class Event(pa.DataFrameModel):
    """One row per thing a user did; `duration_s` is null where the user left without a sign."""

    event_id: str = pa.Field(str_matches=EVENT)
    user_id: str = pa.Field(str_matches=USER)
    at: Moment
    kind: str = pa.Field(isin=KINDS)
    device: str = pa.Field(nullable=True)
    category: str = pa.Field(nullable=True)
    duration_s: int = pa.Field(nullable=True, ge=0)

    @pa.check("at", error="must not be in the future")
    def not_in_future(cls, data: PolarsData) -> pl.LazyFrame:
        """An event has happened."""
        return _not_in_future(data)


class DatedEvent(Event):
    """One row per event, with its UTC day."""

    day: pl.Date


class Transaction(pa.DataFrameModel):
    """One row per payment."""

    transaction_id: str = pa.Field(str_matches=TRANSACTION)
    user_id: str = pa.Field(str_matches=USER)
    at: Moment
    amount: Amount = pa.Field(ge=0)
    category: str = pa.Field(nullable=True)

    @pa.check("at", error="must not be in the future")
    def not_in_future(cls, data: PolarsData) -> pl.LazyFrame:
        """A payment has been made."""
        return _not_in_future(data)


class User(pa.DataFrameModel):
    """One row per user and export that has news of the user: the profile as it was known on the day `exported`.

    History is kept, since a training set must not know a plan that was taken after its cut-off.
    """

    user_id: str = pa.Field(str_matches=USER)
    signed_up: pl.Date
    country: str = pa.Field(nullable=True, str_length={"exact_value": 2})
    plan: str = pa.Field(isin=PLANS)
    exported: pl.Date

    @pa.dataframe_check(error="signed_up: must not be after exported")
    def signed_up_before_exported(cls, data: PolarsData) -> pl.LazyFrame:
        """Only who has signed up has a profile."""
        return data.lazyframe.select(pl.col("signed_up") <= pl.col("exported"))


class Label(pa.DataFrameModel):
    """One row per user and cut-off: what happened in the 14 days from `as_of` on. Null: not known (yet)."""

    user_id: str = pa.Field(str_matches=USER)
    as_of: pl.Date
    churned: int = pa.Field(nullable=True, isin=[0, 1])
    spend_next_14d: Amount = pa.Field(nullable=True, ge=0)

    @pa.check("as_of", error="must not be in the future")
    def not_in_future(cls, data: PolarsData) -> pl.LazyFrame:
        """A label looks back on its cut-off."""
        return _day_has_begun(data)


class Session(pa.DataFrameModel):
    """One row per user and session: events of which each comes at most 30 minutes after the one before.

    `session_number` counts a user's sessions from 1. `duration_s` is the time from the first event to the last.
    `is_bounce`: the session is a single event.
    """

    user_id: str
    session_start: Moment
    session_number: int = pa.Field(gt=0)
    session_end: Moment
    duration_s: float = pa.Field(ge=0)
    events: int = pa.Field(gt=0)
    views: int = pa.Field(ge=0)
    searches: int = pa.Field(ge=0)
    carts: int = pa.Field(ge=0)
    checkouts: int = pa.Field(ge=0)
    categories: int = pa.Field(ge=0)
    phone_events: int = pa.Field(ge=0)
    is_bounce: bool


class DayActivity(pa.DataFrameModel):
    """One row per user and day on which the user did or paid something; a session counts on the day it begins."""

    user_id: str
    day: pl.Date
    events: int = pa.Field(ge=0)
    phone_events: int = pa.Field(ge=0)
    checkouts: int = pa.Field(ge=0)
    sessions: int = pa.Field(ge=0)
    orders: int = pa.Field(ge=0)
    spend: Amount = pa.Field(ge=0)


class UserDay(pa.DataFrameModel):
    """One row per user and day: what was known of the user when the day began, nothing of the day itself.

    A user's days run from the first active one until all windows are empty again, 29 days after the last active one;
    the last of these rows holds for all later days. `_7d` and `_28d`: the 7 and 28 days before. `_before`: all days
    before. `_lag_n`: the day n days before, null where that is before the user's first day.
    """

    user_id: str
    day: pl.Date
    events_7d: int = pa.Field(ge=0)
    events_28d: int = pa.Field(ge=0)
    phone_events_7d: int = pa.Field(ge=0)
    sessions_7d: int = pa.Field(ge=0)
    sessions_28d: int = pa.Field(ge=0)
    checkouts_28d: int = pa.Field(ge=0)
    orders_28d: int = pa.Field(ge=0)
    spend_7d: Amount = pa.Field(ge=0)
    spend_28d: Amount = pa.Field(ge=0)
    spend_before: Amount = pa.Field(ge=0)
    active_days_before: int = pa.Field(ge=0)
    last_active_day: pl.Date = pa.Field(nullable=True)
    events_lag_1: int = pa.Field(nullable=True, ge=0)
    events_lag_7: int = pa.Field(nullable=True, ge=0)


class Cutoff(pa.DataFrameModel):
    """One row per user and cut-off that features are asked for."""

    user_id: str
    as_of: pl.Date


class ProfiledCutoff(Cutoff):
    """One row per user and cut-off, with the profile known by then; null without one."""

    plan: str = pa.Field(nullable=True)
    country: str = pa.Field(nullable=True)
    tenure_days: int = pa.Field(nullable=True, ge=0)


class Features(Cutoff):
    """One row per user and cut-off: the features of all models. Nothing is null, NaN or infinite.

    `phone_share_7d` is a share of the events of the last 7 days, 0 without any. Days and counts are floats as well.
    """

    plan: str
    country: str
    tenure_days: float
    days_since_active: float
    events_7d: float
    events_28d: float
    events_lag_1: float
    events_lag_7: float
    sessions_7d: float
    sessions_28d: float
    checkouts_28d: float
    orders_28d: float
    phone_share_7d: float
    spend_7d: float
    spend_28d: float
    spend_before: float
    active_days_before: float


class LabelCount(pa.DataFrameModel):
    """One row per cut-off: how many labels there are, and how many of them a training set leaves out as not known."""

    as_of: pl.Date
    labels: int = pa.Field(gt=0)
    unlabelled: int = pa.Field(ge=0)


class Encoding(pa.DataFrameModel):
    """One row per way of encoding, column and category, and one per way and column for unknown categories.

    Learned from the training split alone, `encoding` is the mean of the target (`target`) or the share of rows
    (`frequency`); `rows` says on how many rows it rests.
    """

    way: str = pa.Field(isin=["target", "frequency"])
    feature: str
    value: str = pa.Field(nullable=True)
    is_prior: bool
    encoding: float = pa.Field(nullable=True)
    rows: int = pa.Field(ge=0)


class ChurnExample(Features):
    """One row per user and cut-off whose label is known; `split` is the same for all rows of a user."""

    split: str = pa.Field(isin=["train", "validation", "test"])
    churned: int = pa.Field(isin=[0, 1])


class ChurnTraining(ChurnExample):
    """One row per example, with the encodings of the churn model: rates of 0 to 1, and shares of training rows."""

    plan_churn: float = pa.Field(ge=0, le=1)
    country_churn: float = pa.Field(ge=0, le=1)
    country_churn_share: float = pa.Field(ge=0, le=1)


class ValueExample(Features):
    """One row per user and cut-off whose spend is known; `split` follows from the cut-off alone."""

    split: str = pa.Field(isin=["train", "validation", "test", "embargo"])
    spend_next_14d: Amount = pa.Field(ge=0)


class ValueTraining(ValueExample):
    """One row per example, with the encodings of the value model: mean spend in cents, and shares of training rows."""

    plan_spend_cents: float = pa.Field(ge=0)
    country_spend_cents: float = pa.Field(ge=0)
    country_spend_cents_share: float = pa.Field(ge=0, le=1)


class ServingFeatures(Features):
    """One row per user: the features after the newest day on which anybody did anything, encoded for both models."""

    plan_churn: float
    country_churn: float
    country_churn_share: float
    plan_spend_cents: float
    country_spend_cents: float
    country_spend_cents_share: float


class FeatureVector(Cutoff):
    """One row per user: `vector` holds the values of `names`, in their order; both have the same length in all rows."""

    names: Annotated[pl.List, pl.String]
    vector: Annotated[pl.List, pl.Float64]


class Drift(pa.DataFrameModel):
    """One row per feature: how far its values in serving have moved from those of the training split.

    `psi` and `ks` are null without rows on a side, `ks` for categories too. A feature that is not watched is measured,
    but never said to be drifting.
    """

    feature: str
    psi: float = pa.Field(nullable=True)
    ks: float = pa.Field(nullable=True)
    rows: int = pa.Field(ge=0)
    reference_rows: int = pa.Field(ge=0)
    is_watched: bool
    is_drifting: bool
