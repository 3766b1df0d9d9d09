"""Profiles with their history: one row per user and export that had news of the user."""

from framework import Pipeline, csv_files, table
from schemas.features import User

pipeline = Pipeline(
    "features.users",
    sources={"users": csv_files("features/users/*.csv", schema=User, sample_by="user_id")},
    outputs=[table("features/users", of="users", mode="merge", key=["user_id", "exported"])],
)
