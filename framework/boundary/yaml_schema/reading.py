"""From a document to a schema of Pandera: everything that is wrong with it is found at once, each with its place."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pandera.polars as pa

from framework.boundary.contract import compile_contract
from framework.boundary.yaml_schema.checks import TYPE, VALUE, read_check
from framework.boundary.yaml_schema.forms import below, kind_of, read_keys, read_text, refuse_unknown
from framework.boundary.yaml_schema.keys import COLUMN, COLUMN_LAST, READING, SCHEMA, SPELLINGS
from framework.boundary.yaml_schema.rules import WAYS, read_rule
from framework.boundary.yaml_schema.types import read_type
from framework.boundary.yaml_schema.values import read_value
from framework.core.yaml_document import Findings, Mapping, Scalar, Sequence, read_document
from framework.errors import DefinitionError, SchemaError, did_you_mean

if TYPE_CHECKING:
    import polars as pl

    from framework.core.yaml_document import Node, Place

COLUMN_KEYS = {**COLUMN, **READING, **COLUMN_LAST}
LONG_TYPE = "type"
OPENING = {"(": ")", "[": "]", "{": "}"}


@dataclass
class _Draft:
    """A schema while it is read: its columns and checks, and where each stands."""

    findings: Findings
    columns: dict[str, dict[str, Any]] = field(default_factory=dict)
    checks: list[pa.Check] = field(default_factory=list)
    places: dict[str, tuple[Place, str]] = field(default_factory=dict)

    def place(self, address: str, node: Node | Place, path: str) -> None:
        """Note where what a compiled schema calls by an address stands."""
        self.places.setdefault(address, (node if not hasattr(node, "place") else node.place, path))


def read_yaml_schema(content: bytes, file: str) -> pa.DataFrameSchema:
    r"""Read a schema from a document.

    Args:
        content: The document.
        file: What to call it in messages.

    Raises:
        DefinitionError: naming everything that is wrong with it, each with line and column: YAML that cannot be read,
            keys that are not known, values that are not of their column's type, and rules that cannot be part of a
            plan.

    >>> text = "schema: Price\ncolumns:\n  product: str\n  price: {type: float, ge: 0}"
    >>> list(read_yaml_schema(text.encode(), "price.yaml").columns)
    ['product', 'price']
    """
    findings = Findings()
    root = read_document(content, file, findings)
    draft = _Draft(findings)
    settings = _settings(root, draft)
    if isinstance(root, Mapping):
        _columns(root, draft)
        _rules(root, draft)
    schema = _schema(draft, settings)
    _hold_against_plan(schema, draft, root)
    findings.settle()
    return schema


def _settings(root: Node, draft: _Draft) -> dict[str, Any]:
    if not isinstance(root, Mapping):
        draft.findings.add(root, "", f"a schema is a mapping with schema and columns, got {kind_of(root)}")
        return {}
    said = read_keys(root, SCHEMA, "", draft.findings)
    for name in ("schema", "columns"):
        if name not in root.entries:
            draft.findings.add(root, name, "is missing", f"write {name}: at the top")
    if isinstance(said.get("unique"), str):
        said["unique"] = [said["unique"]]
    name = said.pop("schema", None)
    for key in said:
        draft.place(f"{name}.{key}", root.entries[key], key)
    draft.place(f"{name}", root.entries.get("unique", root), "unique" if "unique" in root.entries else "")
    return {"name": name, **said}


def _columns(root: Mapping, draft: _Draft) -> None:
    columns = root.entries.get("columns")
    if columns is None:
        return
    if not isinstance(columns, Mapping) or not columns.entries:
        draft.findings.add(columns, "columns", f"must map names to columns, got {kind_of(columns)}")
        return
    for name, node in columns.entries.items():
        path = f"columns.{name}"
        draft.place(_address(root, name), columns.keys[name], path)
        draft.columns[name] = _column(name, node, root, draft)


def _address(root: Mapping, *parts: str | None) -> str:
    schema = root.entries.get("schema")
    first = schema.text if isinstance(schema, Scalar) else ""
    return ".".join([first, *(part for part in parts if part is not None)])


def _column(name: str, node: Node, root: Mapping, draft: _Draft) -> dict[str, Any]:
    path, findings = f"columns.{name}", draft.findings
    if isinstance(node, Scalar):
        return {"dtype": _declared(_type(node, path, findings))}
    if not isinstance(node, Mapping):
        findings.add(node, path, f"must be a type or a mapping, got {kind_of(node)}")
        return {}
    refuse_unknown(node, (*COLUMN_KEYS, *SPELLINGS), path, findings)
    said = read_keys(_only(node, COLUMN_KEYS), COLUMN_KEYS, path, findings)
    if LONG_TYPE not in node.entries:
        findings.add(node, path, "has no type", "write type: str, say")
    dtype = _type(node.entries[LONG_TYPE], below(path, LONG_TYPE), findings) if LONG_TYPE in node.entries else None
    if dtype is not None and "default" in node.entries:
        said["default"] = _default(node.entries["default"], dtype, below(path, "default"), findings)
    checks = _checks(name, node, dtype, root, draft) if dtype is not None else []
    metadata = _metadata(node, said, path, findings)
    return {**said, "dtype": _declared(dtype), "checks": checks, "metadata": metadata}


def _only(node: Mapping, keys: Any) -> Mapping:
    return Mapping(node.place, {key: value for key, value in node.entries.items() if key in keys}, node.keys)


def _type(node: Node, path: str, findings: Findings) -> pl.DataType | None:
    words = ""
    try:
        words = read_text(node)
        return read_type(words)
    except SchemaError as error:
        is_cut = any(words.count(opening) > words.count(closing) for opening, closing in OPENING.items())
        fix = "put it in quotes: within braces a comma ends it" if is_cut else ""
        findings.add(node, path, str(error), fix)
        return None


def _declared(dtype: pl.DataType | None) -> Any:
    """The type as Pandera takes it. NOTE: it knows types such as Int128 as a class only (pandera 0.35)."""
    return type(dtype) if dtype is not None and dtype.is_numeric() and not dtype.is_decimal() else dtype


def _default(node: Node, dtype: pl.DataType, path: str, findings: Findings) -> Any:
    try:
        return _long_default(node, dtype, path, findings) if isinstance(node, Mapping) else read_value(node, dtype)
    except SchemaError as error:
        findings.add(node, path, str(error))
        return None


def _long_default(node: Mapping, dtype: pl.DataType, path: str, findings: Findings) -> Any:
    refuse_unknown(node, (VALUE, TYPE), path, findings)
    named = node.entries.get(TYPE)
    own = read_type(read_text(named)) if named is not None else dtype
    if VALUE not in node.entries:
        raise SchemaError(f"has no '{VALUE}'; write {VALUE}: beside its type")
    return read_value(node.entries[VALUE], own)


def _metadata(node: Mapping, said: dict[str, Any], path: str, findings: Findings) -> dict[str, Any] | None:
    """Take the keys that Python has in its metadata out of what is said, and put them there."""
    own = {key: said.pop(key) for key in [*said] if key in READING}
    free = said.pop("metadata", None) or {}
    beside = node.entries.get("metadata")
    for key in [key for key in free if key in READING]:
        del free[key]
        place = beside.key_place(key) if isinstance(beside, Mapping) else node.place
        findings.add(place, f"{path}.metadata.{key}", "stands in the wrong place", f"write {key}: beside type")
    return {**own, **free} or None


def _checks(name: str, node: Mapping, dtype: pl.DataType, root: Mapping, draft: _Draft) -> list[pa.Check]:
    found = []
    seen: dict[str, str] = {}
    for key, value in node.entries.items():
        if key in SPELLINGS:
            path = f"columns.{name}.{key}"
            if SPELLINGS[key] in seen:
                other = seen[SPELLINGS[key]]
                draft.findings.add(
                    node.keys[key], path, f"says the same as '{other}'", "several of a kind go into checks:"
                )
            seen[SPELLINGS[key]] = key
            found.append(_keep(read_check(key, value, dtype, path, draft.findings), name, value, path, root, draft))
    items = node.entries.get("checks")
    if items is not None and not isinstance(items, Sequence):
        draft.findings.add(items, f"columns.{name}.checks", f"must be a list, got {kind_of(items)}")
    for number, item in enumerate(items.items if isinstance(items, Sequence) else ()):
        path = f"columns.{name}.checks[{number}]"
        check = read_rule(item, dtype, path, draft.findings, of_column=True)
        found.append(_keep(check, name, item, path, root, draft))
    return [check for check in found if check is not None]


def _keep(check: pa.Check | None, column: str | None, node: Node, path: str, root: Mapping, draft: _Draft) -> Any:
    if check is not None:
        at = (
            next((node.entries[way] for way in WAYS if way in node.entries), node)
            if isinstance(node, Mapping)
            else node
        )
        draft.place(_address(root, column, str(check.name)), at, path)
    return check


def _rules(root: Mapping, draft: _Draft) -> None:
    rules = root.entries.get("rules")
    if rules is not None and not isinstance(rules, Sequence):
        draft.findings.add(rules, "rules", f"must be a list, got {kind_of(rules)}")
        return
    for number, node in enumerate(rules.items if rules is not None else ()):
        path = f"rules[{number}]"
        columns = _columns_of(node, path, draft)
        for column in columns:
            dtype = _dtype_of(draft.columns[column]) if column is not None else None
            check = read_rule(node, dtype, path, draft.findings)
            if check is not None:
                _keep(check, column, node, path, root, draft)
                (draft.columns[column]["checks"] if column is not None else draft.checks).append(check)


def _columns_of(node: Node, path: str, draft: _Draft) -> list[str | None]:
    """The columns that a rule judges; None alone where it judges rows."""
    named = node.entries.get("column") if isinstance(node, Mapping) else None
    if named is None:
        return [None]
    found: list[str | None] = []
    for one in named.items if isinstance(named, Sequence) else (named,):
        if isinstance(one, Scalar) and one.text in draft.columns:
            draft.columns[one.text].setdefault("checks", [])
            found.append(one.text)
        else:
            hint = did_you_mean(one.text, draft.columns) if isinstance(one, Scalar) else ""
            draft.findings.add(one, f"{path}.column", f"{kind_of(one)} is no column of the schema", hint)
    return found


def _dtype_of(said: dict[str, Any]) -> pl.DataType | None:
    dtype = said.get("dtype")
    return dtype() if isinstance(dtype, type) else dtype


def _schema(draft: _Draft, settings: dict[str, Any]) -> pa.DataFrameSchema:
    """The schema of what could be read; rules over rows only where all of their columns could."""
    read = {name: said for name, said in draft.columns.items() if said.get("dtype") is not None}
    is_whole = len(read) == len(draft.columns)
    with warnings.catch_warnings():
        # NOTE: Pandera (0.35) warns of types that it does not know by name, such as Int128; the plan knows them.
        warnings.filterwarnings("ignore", message=".* support is not guaranteed", category=UserWarning)
        columns = {name: pa.Column(**said) for name, said in read.items()}
        if not is_whole:
            return pa.DataFrameSchema(columns, name=settings.get("name"))
        return pa.DataFrameSchema(columns, checks=draft.checks, **settings)


def _hold_against_plan(schema: pa.DataFrameSchema, draft: _Draft, root: Node) -> None:
    """Hold the schema against what a plan can do, and note where in the document stands what it cannot."""
    if not schema.columns:
        return
    try:
        compile_contract(schema)
    except DefinitionError as error:
        for problem in error.problems:
            place, path = draft.places.get(problem.where, (root.place, problem.where))
            draft.findings.add(place, path, problem.what, problem.fix)
