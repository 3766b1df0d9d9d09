"""A document as nodes: every keyword held against what it may be, references followed, parts merged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from framework.boundary.json_schema.keywords import NOTES, TYPES, wrong_keywords
from framework.boundary.json_schema.merging import merge, or_null
from framework.boundary.json_schema.node import LEAST, MOST, Node, decimal, same, type_of_value
from framework.errors import did_you_mean

if TYPE_CHECKING:
    from framework.boundary.json_schema.node import Refuse

MOST_NODES = 5_000
DEEPEST = 60


@dataclass
class Document:
    """A document that is being read: where its problems go, and how much of it has been unfolded."""

    root: Mapping[str, Any]
    refuse: Refuse
    nodes: int = 0
    refused: set[str] = field(default_factory=set)

    def complain(self, pointer: str, what: str, fix: str = "") -> None:
        """Take a problem; the schema at that place cannot be read."""
        self.refused.add(pointer)
        self.refuse(pointer, what, fix)


@dataclass(frozen=True)
class Place:
    """Where a schema stands: its JSON pointer, the references that led there (not to be followed again), its depth."""

    pointer: str
    refs: tuple[str, ...] = ()
    depth: int = 0

    def down(self, *names: str) -> Place:
        """A place below this one."""
        pointer = "/".join([self.pointer, *map(escaped, names)])
        return replace(self, pointer=pointer, depth=self.depth + 1)

    def at(self, keyword: str) -> str:
        """The pointer of a keyword."""
        return f"{self.pointer}/{escaped(keyword)}"


ROOT = Place("#")


def parse(document: Document, schema: Any, place: Place = ROOT) -> Node:
    """Read a schema; one that cannot be read `is_lost`, and its problems have been said."""
    pointer = place.pointer
    document.nodes += 1
    if not isinstance(schema, Mapping):
        _refuse_bare(document, schema, pointer)
        return Node(pointer, is_lost=True)
    if document.nodes > MOST_NODES or place.depth > DEEPEST:
        if document.nodes <= MOST_NODES + 1:
            document.complain(pointer, "it is nested too deeply, or refers to too much", "describe a flatter record")
        return Node(pointer, is_lost=True)
    wrong = list(wrong_keywords(schema, is_root=pointer == "#"))
    for keyword, what, fix in wrong:
        document.complain(place.at(keyword), what, fix)
    usable = {keyword: value for keyword, value in schema.items() if keyword not in {w[0] for w in wrong}}
    parts = [_own(document, usable, place), *_others(document, usable, place)]
    found = reduce(lambda one, other: merge(one, other, document.complain), parts)
    is_refused = any(place.at(keyword) in document.refused for keyword in schema)
    return replace(found, is_lost=True) if is_refused else found


def escaped(name: str) -> str:
    """A name as part of a JSON pointer.

    >>> escaped("a/b~c")
    'a~1b~0c'
    """
    return name.replace("~", "~0").replace("/", "~1")


def _refuse_bare(document: Document, schema: Any, pointer: str) -> None:
    if schema is True:
        document.complain(pointer, "anything may be there", "give its type")
    elif schema is False:
        document.complain(pointer, "nothing may be there", "leave it out, or say additionalProperties: false")
    else:
        document.complain(pointer, f"a schema is an object, got {type_of_value(schema)}")


def _own(document: Document, schema: dict[str, Any], place: Place) -> Node:
    """What a schema's own keywords say."""
    values = _values(schema)
    types = _types(document, schema, place)
    if types is None and values is not None:
        types = frozenset(map(type_of_value, values))
    children = {
        name: parse(document, child, place.down("properties", name))
        for name, child in schema.get("properties", {}).items()
    }
    items = parse(document, schema["items"], place.down("items")) if "items" in schema else None
    if isinstance(schema.get("additionalProperties"), Mapping):
        what = "further properties cannot be described without their names"
        document.complain(place.at("additionalProperties"), what, "list every property, or say true or false")
    return Node(
        pointer=place.pointer,
        types=types,
        values=values,
        forbidden=_forbidden(document, schema, place),
        limits={keyword: schema[keyword] for keyword in (*LEAST, *MOST) if keyword in schema},
        multiple=decimal(schema["multipleOf"]) if "multipleOf" in schema else None,
        patterns=(schema["pattern"],) if "pattern" in schema else (),
        formats=(schema["format"],) if "format" in schema else (),
        is_unique=schema.get("uniqueItems", False),
        items=items,
        properties=children,
        required=tuple(dict.fromkeys(schema.get("required", ()))),
        is_closed=schema.get("additionalProperties") is False,
        default=schema.get("default"),
        notes={keyword: schema[keyword] for keyword in NOTES if keyword in schema},
        places={keyword: place.at(keyword) for keyword in schema},
    )


def _types(document: Document, schema: dict[str, Any], place: Place) -> frozenset[str] | None:
    if "type" not in schema:
        return None
    given = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    for one in given:
        if one not in TYPES:
            document.complain(place.at("type"), f"{one!r} is no type", did_you_mean(str(one), TYPES))
    found = frozenset(map(str, given))
    return found | {"integer"} if "number" in found else found


def _values(schema: dict[str, Any]) -> tuple[Any, ...] | None:
    """The values that `enum` and `const` leave."""
    listed = schema.get("enum")
    if "const" not in schema:
        return None if listed is None else tuple(listed)
    const = schema["const"]
    return (const,) if listed is None or any(same(const, one) for one in listed) else ()


def _forbidden(document: Document, schema: dict[str, Any], place: Place) -> tuple[Any, ...]:
    """The values that `not` rules out: it may name values, and nothing else."""
    if "not" not in schema:
        return ()
    inner = schema["not"]
    if len(inner) == 1 and isinstance(inner.get("enum"), list):
        return tuple(inner["enum"])
    if len(inner) == 1 and "const" in inner:
        return (inner["const"],)
    document.complain(place.at("not"), "`not` can only rule out values", "write enum or const in it")
    return ()


def _others(document: Document, schema: dict[str, Any], place: Place) -> list[Node]:
    """The schemas that must hold beside a schema's own keywords."""
    found = [_referred(document, schema["$ref"], place)] if "$ref" in schema else []
    for number, part in enumerate(schema.get("allOf", ())):
        found.append(parse(document, part, place.down("allOf", str(number))))
    if "anyOf" in schema:
        found.append(_or_null(document, schema["anyOf"], place))
    return found


def _or_null(document: Document, choices: list[Any], place: Place) -> Node:
    """`anyOf` of one schema and null."""
    others = [(number, one) for number, one in enumerate(choices) if not _is_null(one)]
    if len(others) != 1:
        what = "`anyOf` can only be one schema and null"
        document.complain(place.at("anyOf"), what, "give every record one shape; tell others apart in a step")
        return Node(place.pointer, is_lost=True)
    number, schema = others[0]
    node = parse(document, schema, place.down("anyOf", str(number)))
    return or_null(node) if len(choices) > 1 else node


def _is_null(schema: Any) -> bool:
    return isinstance(schema, Mapping) and schema in ({"type": "null"}, {"type": ["null"]}, {"const": None})


def _referred(document: Document, ref: str, place: Place) -> Node:
    target = unquote(ref)
    found = _at(document.root, target)
    if not ref.startswith("#"):
        document.complain(place.at("$ref"), f"'{ref}' is another document", "bring what it refers to into $defs")
    elif target in place.refs or target == "#":
        start = place.refs.index(target) if target in place.refs else 0
        chain = " -> ".join([*place.refs[start:], target])
        fix = "a column has a fixed depth: write it out"
        document.complain(place.at("$ref"), f"it refers to itself: {chain}", fix)
    elif found is None:
        defs = document.root.get("$defs")
        known = [f"#/$defs/{escaped(name)}" for name in defs] if isinstance(defs, Mapping) else []
        document.complain(place.at("$ref"), f"nothing is at '{ref}'", did_you_mean(target, known))
    else:
        return parse(document, found[0], Place(target, (*place.refs, target), place.depth + 1))
    return Node(place.pointer, is_lost=True)


def _at(root: Any, pointer: str) -> tuple[Any] | None:
    """What is at a JSON pointer, as a tuple of one; None when nothing is."""
    found = root
    for part in pointer.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and name in found:
            found = found[name]
        elif isinstance(found, list) and name.isdigit() and int(name) < len(found):
            found = found[int(name)]
        else:
            return None
    return (found,) if pointer.startswith("#/") else None
