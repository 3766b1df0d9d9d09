"""Fingerprints: what the rows of a step are made by, as a hash that changes when that does and not otherwise."""

from framework.run.fingerprints.nodes import node_fingerprints
from framework.run.fingerprints.pipelines import find_unknowable, fingerprint

__all__ = ["find_unknowable", "fingerprint", "node_fingerprints"]
