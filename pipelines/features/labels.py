"""Labels, one row per user and cut-off: the newest file's label holds. Empty ones are kept: they are not known yet."""

from framework import Pipeline, csv_files, table
from schemas.features import Label

pipeline = Pipeline(
    "features.labels",
    sources={"labels": csv_files("features/labels/*.csv", schema=Label, sample_by="user_id")},
    outputs=[table("features/labels", of="labels", mode="merge", key=["user_id", "as_of"])],
)
