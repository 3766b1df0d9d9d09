"""Rules over all rows: their aggregates, put together from batches or looked at a second time."""
