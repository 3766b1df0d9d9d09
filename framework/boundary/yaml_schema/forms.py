"""What may stand at a key, read by the form that the key declares; whatever is wrong is noted with its place."""

from __future__ import annotations

from collections.abc import Mapping as Dict
from datetime import date, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from framework.boundary.yaml_schema.keys import INSTEAD
from framework.core.budget import limits_of
from framework.core.yaml_document import Mapping, Scalar, Sequence, plain
from framework.errors import SchemaError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from framework.boundary.yaml_schema.keys import Key
    from framework.core.yaml_document import Findings, Node

NUMBERS = (int, float)


def read_keys(node: Mapping, keys: Dict[str, Key], path: str, findings: Findings) -> dict[str, Any]:
    """Give the values of all keys of plain forms; those of other forms are left to the caller.

    Args:
        node: The mapping.
        keys: The keys that it may have, by name.
        path: Where it is from the top of the document; empty at the top.
        findings: What is wrong is noted here.
    """
    found = {}
    refuse_unknown(node, keys, path, findings)
    for name, value in node.entries.items():
        if name in keys and keys[name].form in _READERS:
            try:
                found[name] = _READERS[keys[name].form](value, keys[name])
            except SchemaError as error:
                findings.add(value, below(path, name), str(error))
    return found


def refuse_unknown(node: Mapping, known: Collection[str], path: str, findings: Findings) -> None:
    """Note the keys of a mapping that nobody knows, each with what was meant."""
    for name in node.entries:
        if name not in known:
            hint = f"say {INSTEAD[name]}" if name in INSTEAD else did_you_mean(name, known)
            findings.add(node.keys[name], below(path, name), "this key is not known", hint)


def below(path: str, name: str) -> str:
    """The path of what stands at a key."""
    return f"{path}.{name}" if path else name


def kind_of(node: Node) -> str:
    """Say what a node is, for messages."""
    if isinstance(node, Mapping):
        return "a mapping"
    if isinstance(node, Sequence):
        return "a list"
    if node.value is None:
        return "nothing"
    if isinstance(node.value, bool):
        return f"the truth value {node.text}"
    return f"the number {node.text}" if isinstance(node.value, NUMBERS) else f"'{node.text}'"


def read_text(node: Node) -> str:
    """Give text.

    Raises:
        SchemaError: when it is something else, such as a number without quotes.
    """
    if isinstance(node, Scalar) and isinstance(node.value, str):
        return node.value
    quotes = f', write "{node.text}"' if isinstance(node, Scalar) and node.value is not None else ""
    raise SchemaError(f"must be text, got {kind_of(node)}{quotes}")


def _text(node: Node, _: Key) -> str:
    return read_text(node)


def _flag(node: Node, _: Key) -> bool:
    if isinstance(node, Scalar) and isinstance(node.value, bool):
        return node.value
    raise SchemaError(f"must be true or false, got {kind_of(node)}")


def _texts(node: Node, _: Key) -> str | list[str]:
    return [read_text(item) for item in node.items] if isinstance(node, Sequence) else read_text(node)


def _word(node: Node, key: Key) -> str:
    if isinstance(node, Scalar) and node.value in key.words:
        return str(node.value)
    raise SchemaError(f"must be one of {', '.join(key.words)}, got {kind_of(node)}")


def _flag_or_word(node: Node, key: Key) -> bool | str:
    if isinstance(node, Scalar) and (isinstance(node.value, bool) or node.value in key.words):
        return node.value
    raise SchemaError(f"must be true, false or {', '.join(key.words)}, got {kind_of(node)}")


def _units(node: Node, _: Key) -> Any:
    if not isinstance(node, Mapping):
        return _texts(node, _)
    return {unit: _factor(value) for unit, value in node.entries.items()}


def _factor(node: Node) -> int | float | str:
    """A unit's factor: a number, or its text where a float would not be the same."""
    if isinstance(node, Scalar) and isinstance(node.value, (*NUMBERS, str)) and not isinstance(node.value, bool):
        return node.value if isinstance(node.value, int) or repr(node.value) == node.text else node.text
    raise SchemaError(f"a unit's factor must be a number, got {kind_of(node)}")


def _free(node: Node, _: Key) -> dict[str, Any]:
    if not isinstance(node, Mapping):
        raise SchemaError(f"must be a mapping, got {kind_of(node)}")
    return {key: plain(value) for key, value in node.entries.items()}


def _budget(node: Node, _: Key) -> Any:
    given = plain(node)
    limits = limits_of(given) if _is_budget(given) else ()
    if not limits or not all(limit.is_clear for limit in limits):
        raise SchemaError(f"must be a number of rows, a share such as 0.1%, or a list of both, got {kind_of(node)}")
    return given


def _is_budget(given: Any) -> bool:
    return all(isinstance(one, int | str) for one in (given if isinstance(given, list) else [given]))


def _examples(node: Node, _: Key) -> list[Any]:
    if not isinstance(node, Sequence):
        raise SchemaError(f"must be a list of rows, got {kind_of(node)}")
    for item in node.items:
        rows = item.items if isinstance(item, Sequence) else (item,)
        wrong = next((row for row in rows if not isinstance(row, Mapping)), None)
        if wrong is not None:
            raise SchemaError(f"an example must be a row as {{column: value}}, or a list of rows, got {kind_of(wrong)}")
    return [plain(item) for item in node.items]


def plain_example(value: Any) -> Any:
    """Give an example of Python as plain data for YAML, from which the same values are read.

    Raises:
        SchemaError: when YAML has no words for one of them.
    """
    if isinstance(value, Dict):
        return {key: plain_example(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain_example(one) for one in value]
    if isinstance(value, date | time):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float | bytes):
        return value
    raise SchemaError(f"an example has a value of type {type(value).__name__}, for which YAML has no words")


_READERS: dict[str, Callable[[Node, Key], Any]] = {
    "text": _text,
    "flag": _flag,
    "texts": _texts,
    "word": _word,
    "flag or word": _flag_or_word,
    "units": _units,
    "free": _free,
    "budget": _budget,
    "examples": _examples,
}
