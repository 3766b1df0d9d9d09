"""The ledger: an index of runs in SQLite or PostgreSQL. Losing it loses no data. Importing it opens nothing."""
