"""A schema object as a model class, for `LazyFrame[...]`, `@step(returns=...)` and for Python to inherit from."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pandera.polars as pa
from pandera.api.dataframe.model_components import DATAFRAME_CHECK_KEY

from framework.boundary.made_checks import MadeCheck
from framework.boundary.trace import register_backends

if TYPE_CHECKING:
    from pandera.polars import DataFrameModel, DataFrameSchema

SETTINGS = ("strict", "ordered", "unique", "add_missing_columns", "coerce", "title", "description", "metadata")


def as_model(schema: DataFrameSchema, *, module: str = __name__) -> type[DataFrameModel]:
    """Give a model class with the columns, checks and settings of a schema.

    It is a model like those that are written in Python: columns are attributes, and a class that inherits from it has
    its columns and checks.

    Args:
        schema: The schema.
        module: What the class says of where it is from.

    >>> import polars as pl
    >>> Price = as_model(pa.DataFrameSchema({"price": pa.Column(pl.Float64, pa.Check.ge(0))}, name="Price"))
    >>> Price.price, Price.to_schema().columns["price"].checks
    ('price', [<Check greater_than_or_equal_to: greater_than_or_equal_to(0)>])
    """
    register_backends()
    settings = {name: getattr(schema, name) for name in SETTINGS if getattr(schema, name)}
    attributes: dict[str, Any] = {"__module__": module, "__doc__": schema.description, "__annotations__": {}}
    for number, (name, column) in enumerate(schema.columns.items()):
        attribute = name if _is_free(name) else f"column_{number}"
        attributes["__annotations__"][attribute] = _annotation(column)
        attributes[attribute] = _field(name, column, needs_alias=attribute != name)
    for number, check in enumerate(schema.checks):
        name = str(check.name)
        attributes[name if _is_free(name) and name not in attributes else f"_rule_{number}"] = _method(check)
    attributes["Config"] = type("Config", (), settings)
    with warnings.catch_warnings():
        # NOTE: Pandera (0.35) warns of types that it does not know by name, such as Int128; the plan knows them.
        warnings.filterwarnings("ignore", message=".* support is not guaranteed", category=UserWarning)
        return type(schema.name or "schema", (pa.DataFrameModel,), attributes)


def _is_free(name: str) -> bool:
    """Whether an attribute of a model can have a name without hiding what models have already."""
    return name.isidentifier() and not name.startswith("_") and not hasattr(pa.DataFrameModel, name)


def _annotation(column: Any) -> Any:
    """The type as Pandera takes it. NOTE: it knows types such as Int128 as a class only (pandera 0.35)."""
    dtype = column.dtype.type
    return dtype.base_type() if dtype.is_integer() or dtype.is_float() else dtype


def _field(name: str, column: Any, *, needs_alias: bool) -> Any:
    field = pa.Field(
        nullable=column.nullable,
        required=column.required,
        unique=column.unique,
        coerce=column.coerce,
        alias=name if needs_alias else None,
        title=column.title,
        description=column.description,
        default=column.default,
        metadata=column.metadata,
    )
    field.checks = list(column.checks)
    return field


def _method(check: pa.Check) -> Any:
    """A method that stands for a check of rows."""
    method = classmethod(lambda _, data: check._check_fn(data))  # noqa: SLF001 - no public way to the function
    setattr(method, DATAFRAME_CHECK_KEY, MadeCheck(check))
    return method
