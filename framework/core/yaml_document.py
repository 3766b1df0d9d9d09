"""YAML documents as trees that know where everything stands: the one reader of YAML in the house.

YAML 1.2, and stricter: `on`, `NO`, `12:30:00`, `2024-01-01` and `007` are text, a key that is given twice is refused,
as are tags for anything but plain data, trees that are too deep, and aliases that unfold to more than a person writes.
"""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

from framework.errors import DefinitionError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

MOST_BYTES = 1 << 20
MOST_NODES = 50_000
DEEPEST = 50
LONGEST_NUMBER = 200
MERGE = "<<"
TAG = "tag:yaml.org,2002:"
RESOLVERS: tuple[tuple[str, str, str], ...] = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("float", r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)", "-+."),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
)
"""What text without quotes stands for, but for text: its kind, what it looks like, and how that begins."""


@dataclass(frozen=True, order=True)
class Place:
    """Where something stands: a file, a line and a column, both from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Scalar:
    """One value, and the text that stands for it."""

    place: Place
    text: str
    value: str | bytes | bool | int | float | None


@dataclass(frozen=True)
class Sequence:
    """A list."""

    place: Place
    items: tuple[Node, ...]


@dataclass(frozen=True)
class Mapping:
    """Keys, which are text whatever they look like, each with its place and its value."""

    place: Place
    entries: dict[str, Node]
    keys: dict[str, Place]

    def key_place(self, key: str) -> Place:
        """Where a key stands; the mapping itself where it has no such key."""
        return self.keys.get(key, self.place)


Node = Scalar | Sequence | Mapping


@dataclass
class Findings:
    """What is wrong with a document, gathered while it is read."""

    found: list[tuple[Place, Problem]] = field(default_factory=list)

    def add(self, at: Node | Place, path: str, what: str, fix: str = "") -> None:
        """Note a problem at a place, on the way there from the top (`columns.price`)."""
        place = at if isinstance(at, Place) else at.place
        self.found.append((place, Problem(f"{place}: {path}" if path else str(place), what, fix)))

    def settle(self) -> None:
        """Raise all that was found, each once, in the order of the document.

        Raises:
            DefinitionError: when there was anything.
        """
        if self.found:
            raise DefinitionError([problem for _, problem in sorted(set(self.found))])


def read_document(content: bytes, file: str, findings: Findings) -> Node:
    r"""Read a document. Keys that are given twice are noted in `findings`, so that the rest can be judged as well.

    Raises:
        DefinitionError: when it is no YAML, or more than a person writes.

    >>> found = Findings()
    >>> plain(read_document(b"day: 2024-01-01\nclosed: NO\nrates: [1, 0.5]", "rates.yaml", found))
    {'day': '2024-01-01', 'closed': 'NO', 'rates': [1, 0.5]}
    """
    text = _decode(content, file)
    try:
        root = _compose(text, file)
    except yaml.reader.ReaderError as error:
        raise _failure(_place_in(text, error.position, file), _unreadable(error.character)) from error
    except yaml.MarkedYAMLError as error:
        raise _failure(_place_of(error.problem_mark or error.context_mark, file), _why(error)) from error
    if root is None:
        raise _failure(Place(file, 1, 1), "the document is empty")
    return _Converter(file, findings).convert(root)


def plain(node: Node) -> Any:
    """Give a tree as plain data: dicts, lists and values."""
    if isinstance(node, Mapping):
        return {key: plain(value) for key, value in node.entries.items()}
    return [plain(item) for item in node.items] if isinstance(node, Sequence) else node.value


def resolve_like_documents(to: type[Any]) -> None:
    """Let a loader or dumper of PyYAML see in text without quotes what documents do, and nothing else."""
    to.yaml_implicit_resolvers = {}
    for kind, pattern, first in RESOLVERS:
        firsts = ["" if character == "\0" else character for character in first]
        to.add_implicit_resolver(TAG + kind, re.compile(rf"(?:{pattern})\Z"), firsts)


def _compose(text: str, file: str) -> Any:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    except (ValueError, OverflowError) as error:  # NOTE: PyYAML (6.0) does not look at the number behind \\U
        what = "an escape in a text in double quotes stands for no character"
        raise _failure(Place(file, loader.line + 1, loader.column + 1), what) from error
    finally:
        loader.dispose()


class _Loader(yaml.SafeLoader):
    """Composes nodes only; nothing is constructed from tags."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.depth += 1
        if self.depth > DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, f"is nested deeper than {DEEPEST} levels", mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


resolve_like_documents(_Loader)


@dataclass
class _Converter:
    """From PyYAML's nodes, which share what aliases repeat, to a tree."""

    file: str
    findings: Findings
    count: int = 0
    above: list[int] = field(default_factory=list)

    def convert(self, node: Any) -> Node:
        place = _place_of(node.start_mark, self.file)
        self.count += 1
        if self.count > MOST_NODES:
            raise _failure(place, f"its aliases unfold to more than {MOST_NODES:,} values")
        if id(node) in self.above:
            raise _failure(place, "contains itself through an alias")
        if node.tag not in _TAGS[type(node)]:
            raise _failure(place, f"tag {node.tag.removeprefix(TAG)} is not allowed: a document holds plain data")
        if isinstance(node, yaml.ScalarNode):
            return Scalar(place, node.value, self._value(node, place))
        self.above.append(id(node))
        made = self._sequence(node, place) if isinstance(node, yaml.SequenceNode) else self._mapping(node, place)
        self.above.pop()
        return made

    def _sequence(self, node: Any, place: Place) -> Sequence:
        return Sequence(place, tuple(self.convert(item) for item in node.value))

    def _mapping(self, node: Any, place: Place) -> Mapping:
        entries: dict[str, Node] = {}
        keys: dict[str, Place] = {}
        merged: list[Mapping] = []
        for key_node, value_node in node.value:
            at = _place_of(key_node.start_mark, self.file)
            if not isinstance(key_node, yaml.ScalarNode):
                raise _failure(at, "a key must be text")
            key, value = key_node.value, self.convert(value_node)
            if key == MERGE and key_node.style is None:
                merged.extend(self._merged(value))
            elif key in keys:
                self.findings.add(at, "", f"'{key}' is given twice", f"first in line {keys[key].line}")
            else:
                entries[key], keys[key] = value, at
        for one in merged:
            for key, value in one.entries.items():
                if key not in keys:
                    entries[key], keys[key] = value, one.keys[key]
        return Mapping(place, entries, keys)

    def _merged(self, value: Node) -> Iterator[Mapping]:
        for one in value.items if isinstance(value, Sequence) else (value,):
            if not isinstance(one, Mapping):
                raise _failure(one.place, f"'{MERGE}' takes in mappings", "name one by its alias: <<: *name")
            yield one

    def _value(self, node: Any, place: Place) -> Any:
        kind = node.tag.removeprefix(TAG)
        if kind in {"int", "float"} and len(node.value) > LONGEST_NUMBER:
            raise _failure(place, f"a number of {len(node.value)} characters")
        try:
            return _VALUES[kind](node.value)
        except ValueError as error:
            raise _failure(place, f"'{node.value}' is no {kind}") from error


def _integer(text: str) -> int:
    return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)


def _float(text: str) -> float:
    return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))


_VALUES: dict[str, Any] = {
    "str": str,
    "bool": lambda text: {"true": True, "false": False}[text.lower()],
    "int": _integer,
    "float": _float,
    "null": lambda _: None,
    "binary": lambda text: b64decode("".join(text.split()), validate=True),
}
_TAGS = {
    yaml.ScalarNode: {TAG + kind for kind in _VALUES},
    yaml.SequenceNode: {f"{TAG}seq"},
    yaml.MappingNode: {f"{TAG}map"},
}


def _failure(place: Place, what: str, fix: str = "") -> DefinitionError:
    return DefinitionError([Problem(str(place), what, fix)])


def _place_of(mark: Any, file: str) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark is not None else Place(file, 1, 1)


def _place_in(text: str, position: int, file: str) -> Place:
    before = text[:position]
    return Place(file, before.count("\n") + 1, position - before.rfind("\n"))


def _decode(content: bytes, file: str) -> str:
    if len(content) > MOST_BYTES:
        raise _failure(Place(file, 1, 1), f"is larger than {MOST_BYTES >> 20} MiB, which no definition is")
    if content[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        raise _failure(Place(file, 1, 1), "is text in UTF-16", "save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        start = content[: error.start].decode("utf-8", errors="replace")
        what = f"byte 0x{content[error.start]:02x} is no text in UTF-8"
        raise _failure(_place_in(start, len(start), file), what, "save the file as UTF-8") from error


def _unreadable(character: int | str) -> str:
    code = character if isinstance(character, int) else ord(character)
    return f"control character U+{code:04X} has no place in text" + (", it must be written '\\0'" if not code else "")


def _why(error: yaml.MarkedYAMLError) -> str:
    """What is wrong in words of this house where PyYAML's are hard to understand."""
    problem = str(error.problem or error.context)
    if r"'\t'" in problem:
        return "a tab stands where YAML wants blanks"
    if "another document" in problem:
        return "a second document begins here; a file holds one"
    return f"is no YAML: {problem}" + (f" {error.context}" if error.context and error.problem else "")
