"""Schemas as versioned documents: what changed between two of them, and who can read whose rows."""

from framework.registry.changes import STRUCTURAL, Change, find_changes, renamed
from framework.registry.compatibility import LEVELS, Level, forbidden
from framework.registry.document import Column, Constraint, Document
from framework.registry.store import Registry
from framework.registry.types import UnknownTypeError, holds

__all__ = [
    "LEVELS",
    "STRUCTURAL",
    "Change",
    "Column",
    "Constraint",
    "Document",
    "Level",
    "Registry",
    "UnknownTypeError",
    "find_changes",
    "forbidden",
    "holds",
    "renamed",
]
