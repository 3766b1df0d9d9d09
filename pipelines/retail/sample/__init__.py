"""Messy sample input for the retail pipelines, with a key of everything that was spoiled.

[`generate`][pipelines.retail.sample.generate] writes a raw folder of five connected sources, and under
`_truth/` what a correct run has to say about it. Same arguments, same bytes, same file times.
"""

from pipelines.retail.sample.generator import generate
from pipelines.retail.sample.truth import SourceTotal, Summary

__all__ = ["SourceTotal", "Summary", "generate"]
