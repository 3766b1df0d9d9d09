"""Connectors in: a declaration of what to read, and `scan_files`, which gives lazy rows of it."""

from framework.sources.files import csv_files, delta_table, guarded, json_files, parquet_files, scan_files
from framework.sources.json import textual
from framework.sources.provenance import PROVENANCE_TYPES
from framework.sources.verdict import Rejected, Scanned

__all__ = [
    "PROVENANCE_TYPES",
    "Rejected",
    "Scanned",
    "csv_files",
    "delta_table",
    "guarded",
    "json_files",
    "parquet_files",
    "scan_files",
    "textual",
]
