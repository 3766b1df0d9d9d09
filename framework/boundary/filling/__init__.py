"""Cells that cannot be used, filled: defaults, last known values, and the marks they leave."""
