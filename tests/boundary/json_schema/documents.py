"""Documents that describe records, and records that meet them or miss them by little.

Where a boundary and a validator differ on purpose (`test_differences.py`) nothing is drawn: no text where a number is
wanted or the other way round, no null where a key may be absent, no absent key where null may be.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

UUID = "2eb8aa08-aa98-11ea-b4aa-73b441d16380"
TEXTS = ("", "a", "ab", "abc", "A-1", "12", "äöü", "😀", "a\nb", " a ", "x" * 9, "[a]", "a-b", "cb", "٣")
PATTERNS = (
    "a",
    "^a",
    "b$",
    r"^\d+$",
    r"^[\w-]{1,3}$",
    r"\s",
    "^(a|ab)$",
    "[^a]",
    r"^\D*$",
    r"[\[\]]",
    "a.b",
    r"\u0061\x62?c?$",
    r"^\p{L}+$",
)
SHAPED: dict[str, tuple[str, ...]] = {
    "uuid": (UUID, UUID.upper(), UUID[:-1], f"{UUID}0", "a"),
    "ipv4": ("127.0.0.1", "256.0.0.1", "1.2.3", "01.2.3.4", "0.0.0.0"),
    "date": ("2024-02-29", "2023-02-29", "2024-2-1", "0000-01-01", "9999-12-31", "2024-01-01T00:00:00Z", "x"),
    "date-time": (
        "2024-01-01T00:00:00Z",
        "2024-01-01T00:00:00.123456Z",
        "2024-01-01T00:00:00+01:00",
        "2024-01-01T00:00:00.5-08:00",
        "2024-01-01T00:00:00",
        "2024-01-01 00:00:00Z",
        "2024-13-01T00:00:00Z",
        "2024-01-01T25:00:00Z",
        "2024-01-01",
        "x",
    ),
    "time": ("10:30:00Z", "10:30:00.25Z", "10:30:00", "10:30Z", "24:00:00Z", "x"),
    "duration": ("P1D", "PT36H", "P2W", "P1DT2H30M", "P", "PT", "P1DT", "1D", "x"),
}
WHOLE = (-7, -2, 0, 1, 2, 3, 4, 10, 100, 1.0, 2.0, 2.5, -0.5)
NUMBERS = (*WHOLE, 0.1, 0.01, 0.05, 0.15, 1.005, 9.99, 1e3)
NO_NUMBER = ("x", True, [1], {"a": 1})
NO_TRUTH = ("x", 0, 1, [True])
NO_CONTAINER = ("x", 1, True)
NAMES = ("a", "b", "c")
RARELY = 8
ABSENT = object()


@dataclass(frozen=True)
class Described:
    """A schema, and values that it may or may not allow."""

    said: dict[str, Any]
    values: st.SearchStrategy[Any]


@st.composite
def texts(draw) -> Described:
    kind = draw(st.sampled_from(("plain", "plain", "enum", "format")))
    if kind == "format":
        name = draw(st.sampled_from(sorted(SHAPED)))
        return Described({"type": "string", "format": name}, st.sampled_from(SHAPED[name]))
    if kind == "enum":
        some = draw(st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3, unique=True))
        said = draw(st.sampled_from(({"enum": some}, {"const": some[0]}, {"not": {"enum": some}, "type": "string"})))
        return Described(said, st.sampled_from(TEXTS))
    said: dict[str, Any] = {"type": "string"}
    said.update(draw(some_of({"minLength": st.integers(0, 3), "maxLength": st.integers(0, 3)})))
    said.update(draw(some_of({"pattern": st.sampled_from(PATTERNS)})))
    return Described(said, st.sampled_from(TEXTS))


@st.composite
def some_of(draw, choices: dict[str, st.SearchStrategy[Any]]) -> dict[str, Any]:
    """Some keywords, each with a value."""
    return {keyword: draw(values) for keyword, values in choices.items() if draw(st.booleans())}


@st.composite
def numbers(draw) -> Described:
    kind = draw(st.sampled_from(("integer", "number")))
    pool = WHOLE if kind == "integer" else NUMBERS
    limit = st.sampled_from(NUMBERS)
    said: dict[str, Any] = {"type": kind}
    said.update(draw(some_of({"minimum": limit, "exclusiveMaximum": limit})))
    if draw(st.integers(0, 3)) == 0:
        said.update(draw(some_of({"maximum": limit, "exclusiveMinimum": limit, "not": st.just({"const": 2})})))
    if draw(st.booleans()):
        said["multipleOf"] = draw(st.sampled_from((1, 2, 0.5, 2.5, 0.01, 0.05, 0.1, 3)))
    elif draw(st.integers(0, 3)) == 0:
        whole = [one for one in pool if kind == "number" or one == int(one)]
        said["enum"] = draw(st.lists(st.sampled_from(whole), min_size=1, max_size=4, unique=True))
    return Described(said, st.sampled_from((*pool, *NO_NUMBER)))


def truths() -> st.SearchStrategy[Described]:
    said = st.sampled_from(({"type": "boolean"}, {"const": True}, {"enum": [True, False]}))
    return said.map(lambda one: Described(one, st.sampled_from((True, False, *NO_TRUTH))))


@st.composite
def lists(draw, inner: st.SearchStrategy[Described]) -> Described:
    item, is_nullable = draw(inner), draw(st.booleans())
    said = {"type": "array", "items": draw(nullable(item.said)) if is_nullable else item.said}
    said.update(draw(some_of({"minItems": st.integers(0, 2), "maxItems": st.integers(0, 3)})))
    if draw(st.booleans()):
        said["uniqueItems"] = True
    items = st.one_of(item.values, item.values, item.values, st.none())
    return Described(said, st.one_of(st.lists(items, max_size=3), st.sampled_from(NO_CONTAINER)))


@st.composite
def nullable(draw, said: dict[str, Any]) -> dict[str, Any]:
    """A schema that allows null as well, written in one of the ways there are."""
    if draw(st.booleans()) or "type" not in said:
        return {"anyOf": draw(st.permutations([said, {"type": "null"}]))}
    found = {**said, "type": [said["type"], "null"]}
    return {**found, "enum": [*said["enum"], None]} if "enum" in said else found


@st.composite
def objects(draw, inner: st.SearchStrategy[Described]) -> Described:
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, unique=True))
    required = [name for name in names if draw(st.booleans())]
    properties, values = {}, {}
    for name in names:
        child, is_nullable = draw(inner), draw(st.booleans())
        properties[name] = draw(nullable(child.said)) if is_nullable else child.said
        values[name] = st.one_of(*[child.values] * RARELY, *others(name in required, is_nullable))
    said: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    said.update(draw(some_of({"additionalProperties": st.just(True), "title": st.just("It")})))
    surplus = st.sampled_from(({}, {}, {"else": 1}))
    found = st.tuples(st.fixed_dictionaries(values), surplus).map(lambda pair: {**without_absent(pair[0]), **pair[1]})
    return Described(said, found)


def others(is_required: bool, is_nullable: bool) -> list[st.SearchStrategy[Any]]:
    """What may stand in the place of a value: null, nothing, both or neither."""
    if is_required:
        return [st.none()] if is_nullable else [st.none(), st.just(ABSENT)]
    return [st.none(), st.just(ABSENT)] if is_nullable else [st.just(ABSENT)]


def without_absent(record: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in record.items() if value is not ABSENT}


def within(inner: st.SearchStrategy[Described]) -> st.SearchStrategy[Described]:
    """Objects and lists of what is given."""
    return st.one_of(lists(inner), apart(objects(inner)))


def apart(described: st.SearchStrategy[Described]) -> st.SearchStrategy[Described]:
    """Objects where an object is wanted, and what is none."""
    return described.map(
        lambda one: Described(one.said, st.one_of(one.values, one.values, st.sampled_from(NO_CONTAINER)))
    )


SCALARS = st.one_of(texts(), numbers(), truths())
VALUES = st.one_of(SCALARS, SCALARS, within(SCALARS), within(within(SCALARS)))


@st.composite
def documents(draw, size: int = 12) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """A document, some of it behind references, and records."""
    record = draw(objects(VALUES))
    said = dict(record.said)
    defs: dict[str, Any] = {}
    for name, one in said["properties"].items():
        how = draw(st.sampled_from(("plain", "plain", "ref", "parts")))
        if how == "ref":
            defs[f"of {name}/~"] = one
            said["properties"][name] = {"$ref": f"#/$defs/of%20{name}~1~0", "description": "elsewhere"}
        elif how == "parts":
            said["properties"][name] = in_parts(one)
    document = {"$schema": "https://json-schema.org/draft/2020-12/schema", **said, "$defs": defs}
    return document, draw(st.lists(record.values, min_size=size, max_size=size))


def in_parts(said: dict[str, Any]) -> dict[str, Any]:
    """The same as `allOf` of one keyword each, the last one beside it."""
    keywords = list(said.items())
    return {"allOf": [{keyword: value} for keyword, value in keywords[:-1]] or [{}], **dict(keywords[-1:])}
