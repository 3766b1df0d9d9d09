"""Payments, one row per transaction: the newest file's row holds, so that amounts can be corrected."""

from framework import Pipeline, parquet_files, table
from schemas.features import Transaction

pipeline = Pipeline(
    "features.transactions",
    sources={"transactions": parquet_files("features/transactions/*.parquet", schema=Transaction, sample_by="user_id")},
    outputs=[table("features/transactions", of="transactions", mode="merge", key="transaction_id")],
)
