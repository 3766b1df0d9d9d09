"""Ratios of time and memory against hand-written plans, measured in one interleaved run. Not tests."""
