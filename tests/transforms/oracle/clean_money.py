"""Amounts at the rate of their day, one row at a time."""

from decimal import ROUND_HALF_UP, Context, Decimal

WIDE = Context(prec=200)


def rate_on(rates, currency, day, max_age=None):
    """The rate that holds on a day: of the newest date not after it; None where there is none to rely on."""
    dates = [since for name, since, _ in rates if name == currency and since is not None and since <= day]
    if not dates:
        return None
    newest = max(dates)
    found = {rate for name, since, rate in rates if name == currency and since == newest}
    if len(found) != 1 or None in found or min(found) <= 0:
        return None
    if max_age is not None and (day - newest).days > max_age:
        return None
    return found.pop()


def converted(amount, currency, day, rates, *, to, scale, max_age=None):
    """The amount in another currency: a decimal, rounded once, half away from zero."""
    if amount is None or currency is None:
        return None
    if currency == to:
        return amount
    rate = None if day is None else rate_on(rates, currency, day, max_age)
    if rate is None:
        return None
    # ROUND_HALF_UP of `decimal` looks at the size only: it is half away from zero.
    return WIDE.multiply(amount, rate).quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP, context=WIDE)
