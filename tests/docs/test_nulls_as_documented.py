"""The tables of docs/reference/nulls.md, row by row, on real files."""

from __future__ import annotations

import ast
import math
import re
from pathlib import Path

import pandera.polars as pa
import polars as pl
import pytest

from framework import Pipeline, csv_files, json_files, parquet_files, table
from framework.lake import open_table
from framework.run.flow import run_in
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation

PAGE = Path(__file__).parents[2] / "docs/reference/nulls.md"


class Name(pa.DataFrameModel):
    id: str = pa.Field(nullable=True)
    name: str = pa.Field(nullable=True)


class Score(pa.DataFrameModel):
    id: str = pa.Field(nullable=True)
    score: float = pa.Field(nullable=True)


def documented(title: str) -> list[tuple[str, str, str]]:
    section = re.search(rf"^## {title}\n(.*?)^## ", PAGE.read_text(), re.DOTALL | re.MULTILINE).group(1)
    rows = [re.split(r" \| ", line.strip("| \n")) for line in section.splitlines() if line.startswith("| `")]
    return [(row[0].removeprefix("`").removesuffix("`"), row[1].strip("`"), row[2].strip("`")) for row in rows]


def written(value) -> str:
    if value is None:
        return "null"
    if isinstance(value, float) and math.isnan(value):
        return "NaN"
    return f'"{value}"' if isinstance(value, str) else repr(value)


def read(tmp_path, source, schema) -> list[str]:
    """What became of the last column, by line."""
    space = Workspace(
        StorageLocation(str(tmp_path / "raw")), StorageLocation(str(tmp_path / f"lake-{schema.__name__}"))
    )
    run_in(Pipeline("t.p", sources={"rows": source}, outputs=[table("t/rows", of="rows")]), space, RunRequest())
    column = schema.__name__.lower()
    rows = open_table(space.lake, "t/rows").scan().select("_source_line", column).collect()
    held = open_table(space.lake, "_quarantine/t.p").scan().select("line").collect()["line"]
    found = {line: written(value) for line, value in rows.rows()} | dict.fromkeys(held, "refused")
    return [found[line] for line in sorted(found)]


@pytest.mark.parametrize("schema", [Name, Score])
@pytest.mark.parametrize("title", ["CSV", "JSON", "Parquet"])
def test_file_is_read_as_the_table_says(tmp_path, title, schema):
    rows = documented(title)
    assert len(rows) >= 3
    file = tmp_path / "raw/file"
    file.parent.mkdir()
    if title == "CSV":
        file.write_text("\n".join(["id,name,score", *(row[0] for row in rows), ""]))
        source = csv_files("*", schema=schema)
    elif title == "JSON":
        file.write_text("\n".join([*(row[0] for row in rows), ""]))
        source = json_files("*", schema=schema)
    else:
        values = [ast.literal_eval(f"({row[0].replace('nan,', '').replace(', nan', ', 9e999')})") for row in rows]
        names = [name for name, _ in values]
        scores = [math.nan if score == math.inf else score for _, score in values]
        frame = pl.DataFrame({"id": "1", "name": names, "score": scores}, schema_overrides={"name": pl.String})
        frame.write_parquet(file)
        source = parquet_files("*", schema=schema)
    assert read(tmp_path, source, schema) == [row[1 if schema is Name else 2] for row in rows]
