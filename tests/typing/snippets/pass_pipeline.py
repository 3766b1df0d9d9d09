"""A whole pipeline, as an author writes it."""

import pandera.polars as pa
import polars as pl

from framework import LazyFrame, Pipeline, check, csv_files, delta_table, run_time, step, table


class Sale(pa.DataFrameModel):
    """One row per sale."""

    id: int


class Total(pa.DataFrameModel):
    """One row per sale and known product."""

    id: int


@step(returns=Sale)
def clean(sales: LazyFrame[Sale], limit: int = 5) -> pl.LazyFrame:
    """Keep a few sales."""
    return sales.head(limit).filter(pl.lit(run_time()) > pl.lit(0))


@step(returns=Total)
def totals(clean: LazyFrame[Sale], products: LazyFrame[Total]) -> pl.LazyFrame:
    """Join what is known."""
    return clean.join(products, on="id")


pipeline = Pipeline(
    "retail.sales",
    sources={"sales": csv_files("*.csv", references={"id": "products"}), "products": delta_table("a/b", key="id")},
    steps=[clean, totals],
    outputs=[table("retail/sales", of=totals, mode="merge", key=["id"])],
)


def in_a_test(checked: LazyFrame[Sale], known: LazyFrame[Total]) -> pl.DataFrame:
    """A step is called like the function it is."""
    few: pl.LazyFrame = clean(checked, limit=3)
    return totals(checked, known).join(few, on="id").collect()


def in_a_notebook(raw: pl.LazyFrame, known: LazyFrame[Total]) -> LazyFrame[Total]:
    """What was checked may go where its schema is asked for, and on through steps once it is checked again."""
    refused: list[pl.DataFrame] = []
    sales: LazyFrame[Sale] = check(raw, Sale, refused=refused.append)
    return check(totals(check(clean(sales), Sale), known), Total)
