"""From a schema of Pandera to a document, in a stable order; what no document can say is refused by name."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from framework.boundary.contract import compile_contract
from framework.boundary.custom import arguments_of, origin_of
from framework.boundary.trace import schema_of
from framework.boundary.yaml_schema.checks import TYPE, VALUE, is_built_in, write_check, write_options
from framework.boundary.yaml_schema.emit import Block, emit
from framework.boundary.yaml_schema.keys import COLUMN, READING
from framework.boundary.yaml_schema.types import write_type
from framework.boundary.yaml_schema.values import write_value
from framework.errors import DefinitionError, Problem, SchemaError

if TYPE_CHECKING:
    from collections.abc import Callable

    import polars as pl
    from pandera import Check
    from pandera.polars import DataFrameModel, DataFrameSchema

FLAGS = ("strict", "ordered", "add_missing_columns", "coerce")
FACTORS = (int, float, str)
PLAIN = (str, bool, int, float, bytes, type(None))


def write_yaml_schema(model: type[DataFrameModel] | DataFrameSchema) -> str:
    """Write a schema as a document, from which the same contract is read.

    Built-in checks stand at their columns. A check that came from SQL is written as that, a function or method of a
    module as a reference to it.

    Raises:
        DefinitionError: naming everything that cannot be compiled, or every check, value, type and entry of metadata
            for which there are no words.

    >>> import pandera.polars as pa
    >>> class Price(pa.DataFrameModel):
    ...     "One row per product."
    ...     product: str
    ...     price: float = pa.Field(ge=0, lt=100, nullable=True)
    >>> print(write_yaml_schema(Price), end="")
    schema: Price
    description: One row per product.
    columns:
      product: str
      price:
        type: float
        nullable: true
        ge: 0
        lt: 100
    """
    contract = compile_contract(model)
    declared = schema_of(model, contract.name, None)
    problems: list[Problem] = []
    rules: list[Block] = []
    columns = Block()
    for name, column in declared.columns.items():
        dtype = contract.columns[name].dtype
        columns[name] = _column(f"{contract.name}.{name}", column, dtype, problems)
        if not _needs_list(column):
            custom = [check for check in column.checks if not is_built_in(check)]
            rules.extend(_items(f"{contract.name}.{name}", custom, dtype, problems, column=name))
    rules.extend(_items(contract.name, declared.checks, None, problems))
    top = _settings(contract.name, model, declared, problems)
    if problems:
        raise DefinitionError(problems)
    return emit(Block(**top, columns=columns, **({"rules": rules} if rules else {})))


def _settings(
    name: str, model: type[DataFrameModel] | DataFrameSchema, declared: DataFrameSchema, problems: list[Problem]
) -> dict[str, Any]:
    said: dict[str, Any] = {"schema": name}
    if declared.title:
        said["title"] = declared.title
    if declared.description:
        said["description"] = inspect.cleandoc(declared.description)
    said.update({flag: getattr(declared, flag) for flag in FLAGS if getattr(declared, flag)})
    if declared.unique:
        said["unique"] = [declared.unique] if isinstance(declared.unique, str) else list(declared.unique)
    # NOTE: Pandera (0.35) does not hand the metadata of a model's Config on to its schema.
    metadata = getattr(getattr(model, "__config__", None), "metadata", None) or declared.metadata
    if metadata:
        said["metadata"] = _free(name, metadata, problems)
    return said


def _column(where: str, column: Any, dtype: pl.DataType, problems: list[Problem]) -> Any:
    metadata = dict(column.metadata or {})
    said = {key: getattr(column, key) for key in ("title", "description") if getattr(column, key)}
    said.update({key: True for key in ("nullable", "unique", "coerce") if getattr(column, key)})
    said["type"] = _noted(where, problems, write_type, dtype)
    if not column.required:
        said["required"] = False
    if column.default is not None:
        said["default"] = _noted(where, problems, _default, column.default, dtype)
    written = Block({key: said[key] for key in COLUMN if key in said})
    written.update({key: _declared(key, metadata.pop(key)) for key in READING if key in metadata})
    if _needs_list(column):
        written["checks"] = _items(where, column.checks, dtype, problems)
    else:
        for check in filter(is_built_in, column.checks):
            written.update(_noted(f"{where}.{check.name}", problems, write_check, check, dtype) or {})
    if metadata:
        written["metadata"] = _free(where, metadata, problems)
    return written["type"] if set(written) == {"type"} else written


def _needs_list(column: Any) -> bool:
    """Whether the checks of a column must be written as a list: two of a kind, or built-in ones behind others."""
    kinds = [check.registry_name if is_built_in(check) else None for check in column.checks]
    known = [kind for kind in kinds if kind is not None]
    return len(set(known)) < len(known) or kinds[: len(known)] != known


def _items(
    where: str, checks: list[Check], dtype: pl.DataType | None, problems: list[Problem], *, column: str | None = None
) -> list[Any]:
    """Checks as items of a list, each with its column where they stand apart from it."""
    items = []
    for check in checks:
        write = write_check if is_built_in(check) else _custom
        said = _noted(f"{where}.{check.name}", problems, write, check, dtype)
        if said is not None:
            first = {"name": said.pop("name")} if "name" in said else {}
            items.append(Block({**first, **({"column": column} if column is not None else {}), **said}))
    return items


def _custom(check: Check, _: pl.DataType | None) -> dict[str, Any]:
    origin = origin_of(check)
    options = write_options(check)
    name = options.pop("name", None)
    if origin.kind == "python" and name == origin.text.rpartition(":")[2].rpartition(".")[2]:
        name = None
    arguments = arguments_of(check)
    for argument, value in arguments.items():
        if not _is_plain(value):
            raise SchemaError(f"argument '{argument}' is a {type(value).__name__}; give plain values")
    return {
        **({"name": name} if name is not None else {}),
        origin.kind: origin.text,
        **({"arguments": arguments} if arguments else {}),
        **({"element_wise": True} if check.element_wise else {}),
        **options,
    }


def _default(value: Any, dtype: pl.DataType) -> Any:
    plain, named = write_value(value, dtype)
    if named is not None:
        return {VALUE: plain, TYPE: write_type(named)}
    return {VALUE: plain} if isinstance(plain, dict) else plain


def _declared(key: str, value: Any) -> Any:
    """What metadata says on how a column is read, in the forms that a document has."""
    if READING[key].form == "flag":
        return bool(value)
    if isinstance(value, dict):
        return {unit: factor if type(factor) in FACTORS else str(factor) for unit, factor in value.items()}
    if isinstance(value, set | frozenset):
        return sorted(value)
    return list(value) if isinstance(value, tuple) else value


def _free(where: str, metadata: dict[Any, Any], problems: list[Problem]) -> dict[str, Any]:
    for key, value in metadata.items():
        if not isinstance(key, str) or not _is_plain(value):
            what = f"cannot be written in YAML: metadata {key!r} is no plain data"
            problems.append(Problem(where, what, "text, numbers, truth values, and lists and dicts of these"))
    return metadata


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    return all(map(_is_plain, value)) if isinstance(value, list) else type(value) in PLAIN


def _noted(where: str, problems: list[Problem], write: Callable[..., Any], *given: Any) -> Any:
    """Write something; None, with the reason noted, where there are no words for it."""
    try:
        return write(*given)
    except SchemaError as error:
        problems.append(Problem(where, f"cannot be written in YAML: {error}"))
        return None
