"""Calls that promise more than they have."""

import pandera.polars as pa
import polars as pl

from framework import LazyFrame, check, csv_files, step, table


class Sale(pa.DataFrameModel):
    """One row per sale."""

    id: int


class Product(pa.DataFrameModel):
    """One row per product."""

    id: int


@step(returns=Sale)
def clean(sales: LazyFrame[Sale], limit: int = 5) -> pl.LazyFrame:
    """Keep a few sales."""
    return sales.head(limit)


@step(returns=int)  # error: Argument "returns" to "step" has incompatible type "type[int]"
def nonsense(sales: LazyFrame[Sale]) -> pl.LazyFrame:
    """Declare no schema."""
    return sales


def calls(unchecked: pl.LazyFrame, products: LazyFrame[Product], sales: LazyFrame[Sale]) -> None:
    """Hand over what was not checked."""
    clean(unchecked)  # error: has incompatible type "LazyFrame"; expected "LazyFrame[Sale]"
    clean(products)  # error: has incompatible type "LazyFrame[Product]"; expected "LazyFrame[Sale]"
    clean(sales, limit="5")  # error: Argument "limit" to "clean" has incompatible type "str"; expected "int"
    clean(clean(sales))  # error: has incompatible type "LazyFrame"; expected "LazyFrame[Sale]"
    clean(check(unchecked, Product))  # error: Argument 2 to "check" has incompatible type "type[Product]"
    checked = check(unchecked, Sale)
    clean(checked.head(3))  # error: has incompatible type "LazyFrame"; expected "LazyFrame[Sale]"
    check(unchecked, int)  # error: Value of type variable "S" of "check" cannot be "int"
    check(unchecked, Sale, refused=print).nonsense()  # error: "LazyFrame[Sale]" has no attribute "nonsense"
    clean(sales).collect().nonsense()  # error: "DataFrame" has no attribute "nonsense"


def declarations() -> None:
    """Declare what does not exist."""
    csv_files("*.csv", on_invalid="ignore")  # error: Argument "on_invalid" to "csv_files" has incompatible type
    table("retail/sales", of=clean, mode="mrege")  # error: Argument "mode" to "table" has incompatible type
    table("retail/sales")  # error: Missing named argument "of" for "table"
