"""Features for models: what was known of an entity before a row, encodings learned from training rows, drift."""

from framework.transforms.features.categories import hash_features, one_hot
from framework.transforms.features.drifts import drift
from framework.transforms.features.encodings import encode, fit_frequency_encoding, fit_target_encoding
from framework.transforms.features.folds import encode_out_of_fold
from framework.transforms.features.joins import as_of
from framework.transforms.features.measures import bucketize, with_defaults
from framework.transforms.features.past import expanding, lags, rolling

__all__ = [
    "as_of",
    "bucketize",
    "drift",
    "encode",
    "encode_out_of_fold",
    "expanding",
    "fit_frequency_encoding",
    "fit_target_encoding",
    "hash_features",
    "lags",
    "one_hot",
    "rolling",
    "with_defaults",
]
