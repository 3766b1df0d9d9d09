"""Samples and splits that a seed decides: by key, by stratum, by time, of a fixed size."""

from framework.transforms.sampling.samples import sample_fraction, sample_reservoir, sample_stratified
from framework.transforms.sampling.splits import split_by_key, split_by_time

__all__ = ["sample_fraction", "sample_reservoir", "sample_stratified", "split_by_key", "split_by_time"]
