"""Messy sample input for the retail pipelines, with a key of everything that was spoiled.

[`generate`][pipelines.retail.sample.generate] writes a raw folder of five connected sources, and under
`_truth/` what a correct run has to say about it. Same arguments, same bytes, same file times.
"""

from framework.testing import SourceTotal, Summary
from pipelines.retail.sample.generator import generate

__all__ = ["SourceTotal", "Summary", "generate"]
