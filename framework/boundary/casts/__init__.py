"""Casts from what a source gives to what a schema declares, and what counts as missing."""
