"""Fingerprints: what the rows of a step are made by, as a hash that changes when that does and not otherwise."""

from framework.run.fingerprints.nodes import node_fingerprints
from framework.run.fingerprints.pipelines import fingerprint

__all__ = ["fingerprint", "node_fingerprints"]
