"""Marketing campaigns with their performance: the newest file's record of a campaign holds."""

from framework import Pipeline, json_files, table

PERFORMANCE = {name: f"performance.{name}" for name in ("impressions", "clicks", "conversions", "revenue")}

pipeline = Pipeline(
    "retail.campaigns",
    sources={"campaigns": json_files("campaigns/*.json", schema="schemas/campaign.yaml", fields=PERFORMANCE)},
    outputs=[table("retail/campaigns", of="campaigns", mode="merge", key="campaign_id")],
)
