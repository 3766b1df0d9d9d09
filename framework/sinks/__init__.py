"""Connectors out beyond the lake: files for people and programs that read no Delta tables."""
