"""Plain data as YAML text that people would write: blocks, what is short on one line, quotes only where needed."""

from __future__ import annotations

from base64 import b64encode
from decimal import Decimal
from math import isfinite
from typing import TYPE_CHECKING, Any

import yaml

from framework.core.yaml_document import MERGE, TAG, resolve_like_documents

if TYPE_CHECKING:
    from collections.abc import Callable

WIDTH = 100
"""Lists and mappings that are longer than this are written line by line."""
ENDLESS = 1 << 30
UNSAFE = set("\r\x85\u2028\u2029\ufeff")
"""Line breaks that PyYAML (6.0) writes as they are where they are not in double quotes, and reads as others."""


class Block(dict[str, Any]):
    """A mapping that is written line by line, however short it is."""


class _Dumper(yaml.SafeDumper):
    """Puts quotes where a document would read text as something else, and lists below their keys."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - PyYAML's
        super().increase_indent(flow=flow, indentless=False)


resolve_like_documents(_Dumper)


def emit(data: Any) -> str:
    """Write plain data as YAML: dicts in their order, lists, text, numbers, truth values, bytes and decimals.

    >>> print(emit(Block(closed="NO", answer="true", tiers=["gold", "silver"], rate=Decimal("0.50"))), end="")
    closed: NO
    answer: 'true'
    tiers: [gold, silver]
    rate: 0.50
    """
    return _written(_node(data))


def _written(node: yaml.Node) -> str:
    text: str = yaml.serialize(node, Dumper=_Dumper, allow_unicode=True, width=ENDLESS)
    return text


def _node(value: Any) -> yaml.Node:
    if isinstance(value, dict):
        pairs = [(_key(key), _node(item)) for key, item in value.items()]
        return _short(yaml.MappingNode(f"{TAG}map", pairs, flow_style=not isinstance(value, Block)))
    if isinstance(value, list | tuple):
        return _short(yaml.SequenceNode(f"{TAG}seq", [_node(item) for item in value], flow_style=True))
    return _scalar(value)


def _short(node: Any) -> yaml.Node:
    """A collection, on one line if that is short and nothing in it takes several."""
    parts = [part for one in node.value for part in (one if isinstance(one, tuple) else (one,))]
    if node.flow_style and node.value:
        can_be = all(getattr(part, "flow_style", part.style is None if _is_scalar(part) else True) for part in parts)
        node.flow_style = can_be and len(_written(node)) <= WIDTH
    return node  # type: ignore[no-any-return]


def _is_scalar(node: Any) -> bool:
    return isinstance(node, yaml.ScalarNode)


def _key(text: str) -> yaml.Node:
    return yaml.ScalarNode(f"{TAG}str", text, style='"' if text == MERGE or UNSAFE & set(text) else None)


def _scalar(value: Any) -> yaml.Node:
    kind, text = _text(value)
    return yaml.ScalarNode(TAG + kind, text, style='"' if UNSAFE & set(text) else "|" if "\n" in text else None)


def _text(value: Any) -> tuple[str, str]:
    """The kind of a value, and the text that stands for it."""
    if isinstance(value, Decimal):
        text = f"{value:f}"
        is_exact = "." in text and Decimal(text).as_tuple() == value.as_tuple()
        return ("float", text) if is_exact else ("str", str(value))  # a whole number would be read as one
    return next((kind, write(value)) for known, kind, write in _WORDS if isinstance(value, known))


def _float(value: float) -> str:
    return repr(value) if isfinite(value) else f"{value}".replace("inf", ".inf").replace("nan", ".nan")


_WORDS: tuple[tuple[type, str, Callable[[Any], str]], ...] = (
    (type(None), "null", lambda _: "null"),
    (bool, "bool", lambda value: str(value).lower()),
    (int, "int", str),
    (float, "float", _float),
    (bytes, "binary", lambda value: b64encode(value).decode()),
    (str, "str", str),
)
