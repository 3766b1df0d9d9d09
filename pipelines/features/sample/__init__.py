"""Messy sample input for the feature pipelines, with a key of what was spoiled and of the true features.

[`generate`][pipelines.features.sample.generate] writes four connected sources below `features/`, and under
`features/_truth/` what a correct run has to say about them. Same arguments, same bytes, same file times.
"""

from pipelines.features.sample.generator import generate

__all__ = ["generate"]
