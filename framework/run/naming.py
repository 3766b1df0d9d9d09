"""The rule behind an error: Polars says which expression could not be answered, and that is found among the rules."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING

from framework.errors import SchemaError, SluiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from framework.boundary import Contract, Rule

CULPRIT = re.compile(r"This error occurred in the following expression:\s*\n\s*(.+)")
UNTYPED = re.compile(r"dyn \w+: ")
"""Stands before a number of an expression as long as its type is not known."""
FIX = "let it answer with null where it has no answer, such as .cast(..., strict=False)"


@contextmanager
def naming_rules(known: Mapping[str, Contract]) -> Iterator[None]:
    """Say which rule it is that raised while rows were judged, if it is one; other errors pass as they are.

    Raises:
        SchemaError: naming the rule, and what it raised.
    """
    try:
        yield
    except SluiceError:
        raise
    except Exception as error:
        found = _culprits(str(error), known)
        if not found:
            raise
        is_hidden = any(_looks_at_secrets(rule, known[node]) for node, rule in found)
        first = "at a value of a sensitive column" if is_hidden else str(error).splitlines()[0]
        told = " or ".join(dict.fromkeys(f"rule '{rule.key}' of {node}" for node, rule in found))
        text = f"{told} raised {type(error).__name__}: {first}; nothing of this run is published; {FIX}"
        raise SchemaError(text) from error


def _looks_at_secrets(rule: Rule, contract: Contract) -> bool:
    """Whether what Polars says of a rule's values must not be shown."""
    names = [name for name in rule.holds.meta.root_names() if name in contract.columns]
    return any(contract.columns[name].is_sensitive for name in names)


def _culprits(text: str, known: Mapping[str, Contract]) -> list[tuple[str, Rule]]:
    """The rules of which an expression is part that an error names. NOTE: Polars (2.1) names it in its message only."""
    named = CULPRIT.search(text)
    if named is None or "(" not in named[1].removeprefix("col("):
        return []
    rules = ((node, rule) for node, contract in known.items() for rule in contract.rules)
    return [(node, rule) for node, rule in rules if named[1].strip() in UNTYPED.sub("", str(rule.holds))]
