"""Stock movements as the stores report them, one row per update."""

from framework import Pipeline, csv_files, table
from schemas.retail import InventoryUpdate

pipeline = Pipeline(
    "retail.inventory",
    sources={"inventory": csv_files("inventory/*.csv", schema=InventoryUpdate, encodings=["latin-1"])},
    outputs=[table("retail/inventory", of="inventory", mode="merge", key="update_id")],
)
