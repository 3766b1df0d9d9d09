"""Connectors out beyond the lake: files for people and programs that read no Delta tables."""

from framework.sinks.json_file import Written, write_json

__all__ = ["Written", "write_json"]
