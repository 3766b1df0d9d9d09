"""Payments as delivered: one Parquet file a day, some rows of them spoiled, late, repeated or corrected."""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from io import BytesIO
from random import Random
from typing import Any

import polars as pl

from framework.testing import Delivered, Note, SampleRequest
from pipelines.features.sample.behaviour import Payment
from pipelines.features.sample.troubles import Batch, Placed, mark_of, place_rows

SOURCE = "features/transactions"
CUT_S = 23 * 3600 + 3120
TRUNCATED_AT, POS_DELAY_S = 0.5, 60
CORRECTED = "amount_corrected"
SCHEMA: dict[str, pl.DataType] = {
    "transaction_id": pl.String(),
    "user_id": pl.String(),
    "at": pl.Datetime("us", "UTC"),
    "amount": pl.Decimal(18, 2),
    "category": pl.String(),
}

Record = dict[str, Any]
Change = Callable[[Any, Random], Any]
SPOILERS: dict[str, tuple[str, Change]] = {
    "amount_negative": ("amount", lambda amount, _: -amount),
    "amount_missing": ("amount", lambda *_: None),
    "at_missing": ("at", lambda *_: None),
    "at_future": ("at", lambda at, _: datetime(2099, 1, 15, at.hour, at.minute, tzinfo=UTC)),
    "user_id_missing": ("user_id", lambda *_: None),
    "transaction_id_malformed": ("transaction_id", lambda key, dice: dice.choice((key.lower(), f"T-{key[2:]}"))),
}
KINDS = (*SPOILERS, "late", "duplicate_same_file", "duplicate_resent", CORRECTED)


def payment_batches(request: SampleRequest, payments: tuple[Payment, ...]) -> list[Batch[Payment]]:
    """Return all payment files in order of delivery, each with the payments that a correct run takes from it."""
    days = list(range(1, request.days + 1))
    cuts = [request.moment(day, CUT_S) for day in days]
    homes = [bisect_right(cuts, payment.at) for payment in payments]
    known = [(payment, home) for payment, home in zip(payments, homes, strict=True) if home < len(days)]
    placed = place_rows(
        request, "payments", [payment for payment, _ in known], [home for _, home in known], len(days), KINDS
    )
    files = [_batch(request, day, rows) for day, rows in zip(days, placed, strict=True)]
    return files + [_truncated(request, day, payments) for day in request.fault_days(TRUNCATED_AT)]


def _batch(request: SampleRequest, day: int, rows: list[Placed[Payment]]) -> Batch[Payment]:
    dice = request.dice("payment rows", day)
    records, notes, good = [], [], []
    for line, placed in enumerate(rows, start=1):
        payment = placed.row
        column = None
        if placed.kind == CORRECTED:
            payment, column = replace(payment, cents=payment.cents + dice.randint(1, 500)), "amount"
        record = _record(payment)
        if placed.kind in SPOILERS:
            column, change = SPOILERS[placed.kind]
            record[column] = change(record[column], dice)
        mark = mark_of(placed.kind, column)
        records.append(record)
        if mark is not None:
            notes.append(Note(line, record["transaction_id"], mark))
        if mark is None or mark.verdict != "quarantined":
            good.append(payment)
    file = Delivered(
        source=SOURCE,
        name=f"transactions_{request.date_of(day)}.parquet",
        day=day,
        second=CUT_S,
        content=_parquet(records),
        rows=len(records),
        notes=tuple(notes),
    )
    return Batch(file, tuple(good))


def _record(payment: Payment) -> Record:
    return {
        "transaction_id": payment.transaction_id,
        "user_id": payment.user_id,
        "at": payment.at,
        "amount": Decimal(payment.cents) / 100,
        "category": payment.category,
    }


def _truncated(request: SampleRequest, day: int, payments: tuple[Payment, ...]) -> Batch[Payment]:
    """Return a file of the tills that broke off."""
    content = _parquet([_record(payment) for payment in payments[:200]])
    file = Delivered(
        source=SOURCE,
        name=f"transactions_{request.date_of(day)}_pos.parquet",
        day=day,
        second=CUT_S + POS_DELAY_S,
        content=content[: len(content) * 2 // 3],
        rows=None,
        fault="truncated_parquet",
    )
    return Batch(file, ())


def _parquet(records: list[Record]) -> bytes:
    """Return the rows as one Parquet file, in their order."""
    buffer = BytesIO()
    pl.DataFrame(records, schema=SCHEMA).write_parquet(buffer, compression="zstd")
    return buffer.getvalue()
