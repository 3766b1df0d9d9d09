"""Pipelines: each package is one business, and never imports another one."""
