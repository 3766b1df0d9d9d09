"""Messy sample input for the marketing pipelines, with a key of everything that was spoiled and of what is true.

[`generate`][pipelines.marketing.sample.generate] writes three ad platforms, a click-stream, CRM conversions and
reference tables below `marketing/`, and under `marketing/_truth/` what a correct run has to say about them. Same
arguments, same bytes, same file times.
"""

from framework.testing import Summary
from pipelines.marketing.sample.generator import generate

__all__ = ["Summary", "generate"]
