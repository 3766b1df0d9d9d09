"""Documents that somebody spoiled: each is a schema all the same, or refused with a place, and never a traceback."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

import re
from random import Random

import pandera.polars as pa
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from framework.boundary.yaml_schema import read_yaml_schema, write_yaml_schema
from framework.core.yaml_document import Findings, plain, read_document, resolve_like_documents
from framework.errors import DefinitionError
from tests.boundary.yaml_schema.test_round_trip import CANONICAL

pytestmark = pytest.mark.filterwarnings("ignore:.* support is not guaranteed")  # Pandera's, of Int128
DOCUMENT = plain(read_document(CANONICAL.encode(), "x.yaml", Findings()))
PLACE = re.compile(r"schemas/x\.yaml:[0-9]+:[0-9]+(: |$)")
ODD = [
    None, True, 5, -1, 0.5, 1e300, float("inf"), "", "x", "NO", "2024-01-01", "list[", "decimal(99, 1)", "COUNT(*)", "a; b",
    "schemas.retail:Sale", "os:path", "math:pi", "(", "int128", "struct{a: int}", b"ab", [], {}, [None], [[1]], {"a": {}},
    {"value": None}, {"value": 5, "as": "date"}, [1, "a", None], {"ge": 5}, {"type": "int", "ge": []}, "x" * 2000,
]  # fmt: skip
KEYS = [
    "type",
    "ge",
    "isin",
    "in_range",
    "str_length",
    "checks",
    "default",
    "units",
    "rules",
    "column",
    "holds",
    "as",
    "é",
    "",
]


class Dumper(yaml.SafeDumper):
    """Writes by the same resolvers as documents are read by."""


resolve_like_documents(Dumper)


def outcome(content: bytes) -> None:
    """Read a document; what is wrong with it has a place in it, and what is right can be written again."""
    lines = content.count(b"\n") + 2
    try:
        schema = read_yaml_schema(content, "schemas/x.yaml")
    except DefinitionError as error:
        for problem in error.problems:
            assert PLACE.match(problem.where), problem
            assert 1 <= int(problem.where.split(":")[1]) <= lines
    else:
        assert isinstance(schema, pa.DataFrameSchema)
        text = write_yaml_schema(schema)
        assert write_yaml_schema(read_yaml_schema(text.encode(), "schemas/x.yaml")) == text


def spoil(node, chance):
    """A copy of a tree in which one thing, somewhere, is another."""
    if isinstance(node, dict) and node and chance.random() < 0.85:
        key = chance.choice(list(node))
        changed = dict(node)
        kind = chance.randrange(5)
        if kind == 0:
            del changed[key]
        elif kind == 1:
            changed[chance.choice(KEYS)] = changed.pop(key)
        elif kind == 2:
            changed[chance.choice(KEYS)] = chance.choice(ODD)
        else:
            changed[key] = spoil(node[key], chance)
        return changed
    if isinstance(node, list) and node and chance.random() < 0.85:
        at = chance.randrange(len(node))
        return [*node[:at], spoil(node[at], chance), *node[at + 1 :]]
    return chance.choice(ODD)


@given(seed=st.integers(0, 2**32), times=st.integers(1, 4))
@settings(max_examples=60)
def test_a_document_with_spoiled_parts(seed, times):
    chance = Random(seed)
    document = DOCUMENT
    for _ in range(times):
        document = spoil(document, chance)
    outcome(yaml.dump(document, Dumper=Dumper, allow_unicode=True, sort_keys=False).encode())


@given(seed=st.integers(0, 2**32))
@settings(max_examples=40)
def test_a_document_with_spoiled_characters(seed):
    chance = Random(seed)
    content = bytearray(CANONICAL.encode())
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(content))
        part = content[chance.randrange(len(content)) :][: chance.randint(1, 12)]
        content[at : at + chance.randint(0, 12)] = chance.choice([b"", bytes(part), bytes([chance.randrange(256)])])
    outcome(bytes(content))


@pytest.mark.parametrize("end", range(0, len(CANONICAL), 61))
def test_a_document_that_is_cut_off(end):
    outcome(CANONICAL[:end].encode())
