"""Rules: expressions in SQL, functions of Python by reference, and built-in checks in a list."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from pandera import Check

from framework.boundary.custom import python_check, sql_check
from framework.boundary.sql import parse_sql
from framework.boundary.yaml_schema.checks import make_check, read_check, require_free_name
from framework.boundary.yaml_schema.forms import below, kind_of, read_keys, refuse_unknown
from framework.boundary.yaml_schema.keys import RULE, SPELLINGS
from framework.core.yaml_document import Mapping
from framework.errors import SchemaError

if TYPE_CHECKING:
    import polars as pl

    from framework.core.yaml_document import Findings, Node

WAYS = ("holds", "python")
TAKEN = frozenset(inspect.signature(Check).parameters)
"""Names of arguments that Pandera takes for its own."""


def read_rule(
    node: Node, dtype: pl.DataType | None, path: str, findings: Findings, *, of_column: bool = False
) -> Check | None:
    """Make the check that an item of `rules`, or of a column's `checks`, stands for.

    None, with what is wrong noted, where it cannot be made.

    Args:
        node: The item.
        dtype: The type of its column; None for a rule over rows.
        path: Where it is from the top of the document.
        findings: What is wrong is noted here.
        of_column: Whether it stands at its column, so that it names none.
    """
    if not isinstance(node, Mapping):
        findings.add(node, path, f"must be a mapping, got {kind_of(node)}")
        return None
    built_in = [key for key in node.entries if key in SPELLINGS]
    if len(built_in) == 1 and set(node.entries) <= {*built_in, "column"}:
        return read_check(built_in[0], node.entries[built_in[0]], dtype, below(path, built_in[0]), findings)
    if built_in:
        fix = "options of a built-in check stand within it: ge: {value: 0, severity: warning}"
        findings.add(node.keys[built_in[0]], below(path, built_in[0]), "stands beside other keys", fix)
        return None
    keys = {name: key for name, key in RULE.items() if not (of_column and name == "column")}
    before = len(findings.found)
    said = read_keys(node, keys, path, findings)
    ways = [way for way in WAYS if way in node.entries]
    if len(ways) != 1:
        what = "says both holds and python" if ways else "says neither holds nor python"
        findings.add(node, path, what, "say one: holds: <SQL>, or python: module:function")
    elif len(findings.found) == before:
        return _make(node, ways[0], said, path, findings)
    return None


def _make(node: Mapping, way: str, said: dict[str, Any], path: str, findings: Findings) -> Check | None:
    try:
        require_free_name(said.get("name"))
        if way == "python":
            return _python(said)
        parse_sql(said[way])
    except SchemaError as error:
        findings.add(node.entries[way], below(path, way), str(error))
        return None
    refuse_unknown(_only_arguments(node), (), path, findings)
    if "name" not in said:
        findings.add(node, path, "has no name", "budgets and messages call it by one")
        return None
    return make_check(lambda **options: Check(sql_check(said["holds"], said["name"]), **options), said)


def _python(said: dict[str, Any]) -> Check:
    function = python_check(said["python"])
    require_free_name(said.get("name") or function.__name__)
    arguments = said.get("arguments", {})
    taken = sorted(TAKEN & set(arguments))
    if taken:
        raise SchemaError(f"argument '{taken[0]}' is one of Pandera's own; rename it in the function")
    element_wise = said.get("element_wise", False)
    made = make_check(lambda **options: Check(function, element_wise=element_wise, **arguments, **options), said)
    made.description = said.get("description")
    return made


def _only_arguments(node: Mapping) -> Mapping:
    """The keys of a rule in SQL that only functions of Python have."""
    own = {key: value for key, value in node.entries.items() if key in {"arguments", "element_wise"}}
    return Mapping(node.place, own, node.keys)
