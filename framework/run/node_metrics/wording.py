"""Physical nodes in words: what one does, and to which files, keys and columns."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

SHOWN = 4
"""How many keys or columns are named."""
_NAMED = re.compile(r'\.alias\("((?:[^"\\]|\\.)*)"\)$')
_COLUMN = re.compile(r'col\("((?:[^"\\]|\\.)*)"\)')
_PLAIN = re.compile(r'col\("(?:[^"\\]|\\.)*"\)(?:\.alias\("(?:[^"\\]|\\.)*"\))?')
_OURS = ("_raw_", "_POLARS", "__POLARS")
"""Columns that the boundary or Polars itself makes and drops again."""


@dataclass(frozen=True)
class Said:
    """What a node does: the operation, the whole in words, and the columns that it makes."""

    operation: str
    words: str
    columns: tuple[str, ...] = ()


def said_of(node: Mapping[str, Any], logical: Mapping[str, Any], place: Callable[[str], str]) -> Said:
    """Say what a node does.

    Args:
        node: Its properties, as Polars describes them.
        logical: Those of the node of the logical plan that it was made for, where keys have their real names.
        place: Gives the name that people know for the path of a file.

    >>> said_of({"type": "EquiJoin", "how": "INNER", "left_on": ['col("store")'], "right_on": []}, {}, str)
    Said(operation='join', words='inner join on store', columns=())
    >>> said_of({"type": "MultiScan", "scan_type": "csv", "first_source": "a/b.csv"}, {}, str)
    Said(operation='read', words='read a/b.csv (csv)', columns=())
    """
    kind = str(node.get("type", "unknown"))
    if kind == "MultiScan":
        return Said("read", f"read {place(str(node.get('first_source') or ''))} ({node.get('scan_type', '')})")
    if kind == "Select":
        return _computed([str(one) for one in node.get("selectors", ())])
    if kind in _SAID:
        return Said(*_SAID[kind]({**logical, **node}))
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
    return Said(words, words)


def _computed(selectors: Sequence[str]) -> Said:
    text = " ".join(selectors)
    if '"_malformed"' in text or '"_raw_' in text:
        return Said("check", "check and cast rows")
    made = [_NAMED.search(one) or _COLUMN.search(one) for one in selectors if not _PLAIN.fullmatch(one)]
    names = sorted({match[1] for match in made if match and not match[1].startswith(_OURS)})
    if not names:
        return Said("rename", "pick and rename columns")
    return Said("compute", f"compute {_some(names)}", tuple(names))


def _joined(node: Mapping[str, Any]) -> tuple[str, str]:
    how = str(node.get("how") or "").lower()
    return "join", f"{how} join on {keys_in(node.get('left_on') or ())}".strip()


def _kept(node: Mapping[str, Any]) -> tuple[str, str]:
    return "filter", f"filter by {keys_in([node.get('predicate') or ''])}"


def _as_of(node: Mapping[str, Any]) -> tuple[str, str]:
    if str(node.get("right_on")) == "_start":
        return "number lines", "find file and line of each row"
    return "join", f"as-of join on {keys_in([node.get('left_on')])}"


def _grouped(node: Mapping[str, Any]) -> tuple[str, str]:
    keys = node.get("keys") or [key for one in node.get("key_per_input") or () for key in one]
    return "group by", f"group by {keys_in(keys)}"


def _sorted(node: Mapping[str, Any]) -> tuple[str, str]:
    return "sort", f"sort by {keys_in([one.get('expr', '') for one in node.get('sort_columns') or ()])}"


def _fixed(operation: str, words: str) -> Callable[[Mapping[str, Any]], tuple[str, str]]:
    return lambda _node: (operation, words)


_SAID: dict[str, Callable[[Mapping[str, Any]], tuple[str, str]]] = {
    "EquiJoin": _joined,
    "SemiAntiJoin": _joined,
    "MergeJoin": _joined,
    "AsOfJoin": _as_of,
    "GroupBy": _grouped,
    "SortedGroupBy": _grouped,
    "DynamicGroupBy": _grouped,
    "RollingGroupBy": _grouped,
    "Sort": _sorted,
    "TopK": _sorted,
    "Filter": _kept,
    "Map": _fixed("python", "call Python with batches of rows"),
    "InMemoryMap": _fixed("in memory", "hold all rows in memory"),
    "InMemorySource": _fixed("read", "hand on rows that were read before"),
    "PythonScan": _fixed("read", "read with a reader of our own"),
    "CallbackSink": _fixed("write", "write"),
    "FileSink": _fixed("write", "write"),
    "SimpleProjection": _fixed("pick", "pick columns"),
    "Multiplexer": _fixed("share", "hand rows to several readers"),
    "OrderedUnion": _fixed("stack", "stack rows"),
    "UnorderedUnion": _fixed("stack", "stack rows"),
    "WithRowIndex": _fixed("number lines", "number rows"),
}


def keys_in(expressions: Iterable[Any]) -> str:
    """The columns that some expressions name, in words."""
    found = [match for one in expressions for match in (_COLUMN.findall(str(one)) or [str(one)])]
    return _some(list(dict.fromkeys(found)))


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more
