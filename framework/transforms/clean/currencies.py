"""Amounts in one currency, by a dated table of rates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import duration_of, require_columns, require_type
from framework.transforms.clean.columns import Target, add_marks, require_new, require_text

WHERE = "convert_currency"
DIGITS = 38
"""What a decimal of Polars holds."""
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Rates:
    """A dated table of rates: one row per currency and the day from which its rate holds, until the next one.

    Attributes:
        table: columns `currency`, `valid_from` (Date) and `rate`: units of `to` for one unit of the currency.
        to: the currency that the rates lead to.
        max_age: for how many days a rate holds when no other follows; None means for good.
    """

    table: pl.LazyFrame
    to: str = "EUR"
    max_age: str | timedelta | None = None


def convert_currency(
    rows: pl.LazyFrame,
    rates: Rates,
    *,
    amount: str,
    currency: str,
    date: str,
    into: str,
    mark: str | None = None,
) -> pl.LazyFrame:
    """Add amounts in the currency of the rates, at the rate that held on each row's date. Lazy, streaming.

    One row per row given, in the same order, whatever the rates. A row takes the newest rate of its currency that is
    valid from its date or before, and not older than `max_age` days (a rate of the same day is 0 days old). Decimal
    amounts stay exact: the product is rounded once, half away from zero, to the scale of the amount. Float amounts are
    multiplied as floats and not rounded. Amounts already in `to` are taken as they are and need no rate and no date.
    Codes are compared as they are written.

    A rate that is null, zero, negative or not a number, or several different rates for one currency and day, hold
    nothing: their days are not converted, rather than converted at an older rate. Rates without currency or
    date are left out of account. `into` is null where the amount, currency or date is null, no rate holds, or the
    product has more digits than a decimal holds; `mark` is true where there was an amount and `into` is null.

    Memory: between two rates of a currency the table is laid out by day (200 currencies over 10 years: 730 000 rows).

    Raises:
        TransformError: at definition, when a column is not there or of another type (amounts decimal or float, rates
            decimal or integer for decimal amounts), or max_age is no number of days.

    >>> from datetime import date
    >>> table = pl.LazyFrame({"currency": ["USD"], "valid_from": [date(2024, 1, 1)], "rate": [0.5]})
    >>> day = [date(2024, 1, 5), date(2023, 12, 31)]
    >>> sales = pl.LazyFrame({"price": [10.0, 10.0], "currency": ["USD", "USD"], "day": day})
    >>> euros = sales.pipe(
    ...     convert_currency, Rates(table), amount="price", currency="currency", date="day", into="price_eur"
    ... )
    >>> euros.collect()["price_eur"].to_list()
    [5.0, None]
    """
    age = _days(rates.max_age)
    schema = require_columns(rows, WHERE, [amount, currency, date])
    require_new(schema, WHERE, [into, mark])
    require_text(schema, WHERE, currency)
    _require_date(schema, date)
    target = Target(amount, into, mark)
    rate = f"{into}\0rate"
    rated = _with_rate(rows, _spans(rates), currency=currency, date=date, rate=rate, age=age)
    product = _product(schema[amount], _rate_type(rates, schema, amount), pl.col(amount), pl.col(rate))
    same = pl.col(currency) == rates.to
    converted = pl.when(same).then(pl.col(amount).cast(_result_type(schema[amount]))).otherwise(product)
    return rated.with_columns(converted.alias(into)).drop(rate).pipe(add_marks, [target])


def _spans(rates: Rates) -> pl.LazyFrame:
    """One row per currency and day from which a rate holds: the rate (null where it is none) and the next such day."""
    rate = pl.col("rate")
    one = (
        (rate.min() == rate.max())
        & (rate.min() > 0)
        & (rate.null_count() == 0)
        & rate.cast(pl.Float64).is_finite().all()
    )
    dated = rates.table.filter(pl.col("currency").is_not_null() & pl.col("valid_from").is_not_null())
    held = dated.group_by("currency", "valid_from").agg(rate=pl.when(one).then(rate.min()))
    return held.with_columns(until=pl.col("valid_from").shift(-1).over("currency", order_by="valid_from"))


def _with_rate(
    rows: pl.LazyFrame, spans: pl.LazyFrame, *, currency: str, date: str, rate: str, age: timedelta | None
) -> pl.LazyFrame:
    """Add each row's rate, by two joins on equal keys: an as-of join by a key leaves the engine (polars 2.1).

    One with the days between two rates, one with the last rate of each currency, which has no end.
    """
    closed, last = f"{rate}\0closed", f"{rate}\0last"
    since = f"{last}\0since"
    end = pl.col("until") - DAY
    if age is not None:
        end = pl.min_horizontal(end, pl.col("valid_from") + age)
    days = (
        spans.filter(pl.col("until").is_not_null()).with_columns(day=pl.date_ranges("valid_from", end)).explode("day")
    )
    between = days.select(pl.col("currency").alias(currency), pl.col("day").alias(date), pl.col("rate").alias(closed))
    ends = spans.filter(pl.col("until").is_null())
    final = ends.select(
        pl.col("currency").alias(currency), pl.col("valid_from").alias(since), pl.col("rate").alias(last)
    )
    both = rows.join(between, on=[currency, date], how="left", maintain_order="left").join(
        final, on=currency, how="left", maintain_order="left"
    )
    holds = pl.col(date) >= pl.col(since)
    if age is not None:
        holds &= pl.col(date) <= pl.col(since) + age
    found = pl.coalesce(closed, pl.when(holds).then(last))
    return both.with_columns(found.alias(rate)).drop(closed, last, since)


def _product(amount_type: pl.DataType, rate_type: pl.DataType, amount: pl.Expr, rate: pl.Expr) -> pl.Expr:
    """Amount times rate, in the type of the result.

    A decimal that does not fit would fail the whole query, so amounts too large are left out beforehand; the scale of
    the product holds every digit, so that only the last step rounds.
    """
    if not isinstance(amount_type, pl.Decimal):
        return amount * rate.cast(amount_type)
    scale = amount_type.scale + (rate_type.scale if isinstance(rate_type, pl.Decimal) else 0)
    exact = pl.Decimal(DIGITS, scale)
    limit = 10.0 ** (DIGITS - scale - 1)
    size = amount.cast(pl.Float64).abs()
    fits = (size < limit) & (size * rate.cast(pl.Float64) < limit) & (rate.cast(pl.Float64) < limit)
    product = pl.when(fits).then(amount).cast(exact) * pl.when(fits).then(rate).cast(exact)
    return product.round(amount_type.scale, mode="half_away_from_zero").cast(_result_type(amount_type))


def _result_type(amount_type: pl.DataType) -> pl.DataType:
    """Floats as they are; decimals with all the digits there are, for a result may have more than its amount."""
    return pl.Decimal(DIGITS, amount_type.scale) if isinstance(amount_type, pl.Decimal) else amount_type


def _rate_type(rates: Rates, schema: pl.Schema, amount: str) -> pl.DataType:
    """The type of the rates, which must fit the amounts."""
    known = require_columns(rates.table, f"{WHERE}: rates", ["currency", "valid_from", "rate"])
    require_text(known, f"{WHERE}: rates", "currency")
    _require_date(known, "valid_from", f"{WHERE}: rates")
    expected = "Decimal or a float: cast whole units to the scale that the result shall have, `pl.Decimal(38, 2)`"
    amounts = require_type(schema, WHERE, amount, lambda dtype: dtype.is_decimal() or dtype.is_float(), expected)
    if not isinstance(amounts, pl.Decimal):
        return require_type(known, f"{WHERE}: rates", "rate", lambda dtype: dtype.is_numeric(), "a number")
    exact = "Decimal or an integer, for the amounts are Decimal and stay exact: cast it, `pl.Decimal(18, 8)`"
    found = require_type(
        known, f"{WHERE}: rates", "rate", lambda dtype: dtype.is_decimal() or dtype.is_integer(), exact
    )
    if isinstance(found, pl.Decimal) and amounts.scale + found.scale >= DIGITS:
        what = f"scales {amounts.scale} of '{amount}' and {found.scale} of the rates leave no digit before the point"
        raise TransformError(f"{WHERE}: {what}; cast one of them to fewer places")
    return found


def _require_date(schema: pl.Schema, name: str, where: str = WHERE) -> None:
    """Refuse a column that holds no days: which day a time falls on depends on the zone that is meant."""
    require_type(schema, where, name, lambda dtype: dtype == pl.Date, "Date: take the day in the zone you mean")


def _days(max_age: str | timedelta | None) -> timedelta | None:
    """The age in whole days."""
    if max_age is None:
        return None
    age = duration_of(max_age, WHERE, "max_age")
    if age % DAY:
        raise TransformError(f"{WHERE}: max_age={max_age!r} is no whole number of days, and rates are dated by day")
    return age
