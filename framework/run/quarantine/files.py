"""Quarantined rows as a file that people edit, CSV or a workbook, and the corrections that come back in it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary import MASK
from framework.errors import ConfigurationError, SelectionError
from framework.lake.quarantine import CHANGEABLE, Selection
from framework.run.quarantine.masking import hidden_columns
from framework.run.quarantine.mending import Correction
from framework.run.quarantine.rows import UNSPLIT, Desk, cell, columns_of, find_rows, values_of, with_ids

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

ROW = "_row"
"""The row's id with its revision: how often it was changed. It comes back unchanged."""
FACTS = (ROW, "_state", "_reasons", "_file", "_line")
"""The columns that are there to be read; the others are the source's own."""
FORMULA = "=+-@\t\r\n\uff1d\uff0b\uff0d\uff20"
"""What a cell of a spreadsheet must not begin with: it may be run as a formula (OWASP, "CSV injection")."""
NUMBER = re.compile(r"[+-]?[0-9]+([.,][0-9]+)?$")
DELIMITERS = ",;\t"
LONGEST_CELL = 32_767
MOST_ROWS = 1_048_575
"""What a sheet of Excel holds."""
SHEET = "quarantine"
KINDS = (".csv", ".xlsx")


def export_rows(desk: Desk, selection: Selection, out: Path, *, reveal: bool = False) -> int:
    """Write rows to a CSV file or a workbook: a line each, a column for each of the source's; gives how many.

    The values are those that count: as mended, or else as they were read. Values of sensitive columns are masked unless
    `reveal`. A cell that a spreadsheet could take for a formula begins with an apostrophe, which `read_corrections`
    drops.

    Raises:
        SelectionError: when no row is meant.
        ConfigurationError: when the rows are of several sources, or the file cannot hold them or is there already.
    """
    kind = _kind(out)
    if out.exists():
        raise ConfigurationError(f"{out} is there already, perhaps with somebody's corrections; name another file")
    held = find_rows(desk, selection, CHANGEABLE).filter(pl.col("line").is_not_null())
    found = with_ids(held.sort("source", "file", "line"))
    if found.is_empty():
        raise SelectionError(f"no row of {desk.name}'s quarantine is meant; `sluice quarantine list {desk.name}`")
    sources = sorted(found["source"].unique())
    if len(sources) > 1:
        raise ConfigurationError(
            f"the rows are of {len(sources)} sources, choose one by --source: {', '.join(sources)}"
        )
    sheet = _sheet(desk, sources[0], found, reveal=reveal)
    if kind == ".csv":
        sheet.write_csv(out, include_bom=True)
    else:
        _write_workbook(sheet, out)
    return sheet.height


def _sheet(desk: Desk, source: str, found: pl.DataFrame, *, reveal: bool) -> pl.DataFrame:
    held = list(found.iter_rows(named=True))
    values = [values_of(row) for row in held]
    names = columns_of(desk, source, values)
    unsplit = [name for name in UNSPLIT if any(row.get(name) for row in values)]
    clash = sorted({*FACTS, *UNSPLIT} & set(names))
    if clash:
        raise ConfigurationError(f"'{source}' has columns called {', '.join(clash)}, which the file uses itself")
    hidden = set() if reveal else hidden_columns(desk.known.get(source), [*names, *unsplit])
    facts = {
        ROW: [f"{row['id']}-{len(row['trail'])}" for row in held],
        "_state": [row["state"] for row in held],
        "_reasons": ["; ".join(row["reasons"]) for row in held],
        "_file": [row["file"] for row in held],
        "_line": [str(row["line"]) for row in held],
    }
    cells = {
        name: [MASK if name in hidden and row.get(name) is not None else cell(row.get(name)) for row in values]
        for name in [*names, *unsplit]
    }
    columns = {guard(name): pl.Series([guard(v) for v in column], dtype=pl.String) for name, column in cells.items()}
    return pl.DataFrame({name: [guard(v) for v in column] for name, column in facts.items()} | columns)


def guard(text: Any) -> Any:
    """Put an apostrophe before text that a spreadsheet could take for a formula; numbers stay as they are.

    >>> guard("=1+1"), guard("-5"), guard("'=1")
    ("'=1+1", '-5', "''=1")
    """
    return f"'{text}" if _is_guarded(text) else text


def unguard(text: str) -> str:
    """Drop the apostrophe that `guard` has put.

    >>> unguard("'=1+1"), unguard("''=1"), unguard("'tis")
    ('=1+1', "'=1", "'tis")
    """
    return text[1:] if text.startswith("'") and _is_guarded(text[1:]) else text


def _is_guarded(text: str | None) -> bool:
    begins = (text or "").lstrip("'")[:1]
    return bool(begins) and begins in FORMULA and not NUMBER.match(text or "")


def _kind(path: Path) -> str:
    kind = path.suffix.lower()
    if kind not in KINDS:
        raise ConfigurationError(f"{path}: expected a name that ends in {' or '.join(KINDS)}")
    return kind


def _write_workbook(sheet: pl.DataFrame, out: Path) -> None:
    """Write all cells as text: a workbook keeps `007` and long numbers as they are."""
    xlsxwriter = _library("xlsxwriter", out)
    longest = int(sheet.select(pl.max_horizontal(pl.all().str.len_chars().max())).item() or 0)
    if sheet.height > MOST_ROWS or longest > LONGEST_CELL:
        what = f"{sheet.height:,} rows" if sheet.height > MOST_ROWS else f"a value of {longest:,} characters"
        limit = f"{MOST_ROWS:,} rows" if sheet.height > MOST_ROWS else f"{LONGEST_CELL:,} characters"
        raise ConfigurationError(f"{out}: {what} where a sheet holds {limit}; export a CSV file, or fewer rows")
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(out), options) as book:
        sheet.write_excel(book, worksheet=SHEET, autofit=False, freeze_panes=(1, 1))


def _library(name: str, path: Path) -> Any:
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError as error:
        text = f'{path}: workbooks need the library {name}; install it: pip install "sluice[excel]", or use a CSV file'
        raise ConfigurationError(text) from error


def read_corrections(path: Path) -> list[Correction]:
    """Read the lines of a file that `export_rows` wrote and people have edited. Columns may be moved, or left out.

    Raises:
        ConfigurationError: when it cannot be read, or is no such file.
    """
    kind = _kind(path)
    if not path.exists():
        raise ConfigurationError(f"{path}: there is no such file")
    header, *lines = _read_workbook(path) if kind == ".xlsx" else _read_csv(path)
    names = [unguard(name) for name in header]
    repeated = sorted({name for name in names if name and names.count(name) > 1})
    if ROW not in names or repeated:
        what = f"it has two columns called {', '.join(repeated)}" if repeated else f"it has no column {ROW}"
        raise ConfigurationError(f"{path}: {what}; expected a file that `sluice quarantine export` wrote")
    return list(_corrections(names, lines))


def _corrections(names: Sequence[str], lines: Iterable[Sequence[str]]) -> Iterable[Correction]:
    at = names.index(ROW)
    own = [(place, name) for place, name in enumerate(names) if name and name not in {*FACTS, *UNSPLIT}]
    for line in lines:
        if any(line):
            cells = {name: unguard(line[place]) for place, name in own if place < len(line)}
            yield Correction(line[at] if at < len(line) else "", cells, is_whole=True)


def _read_csv(path: Path) -> list[list[str]]:
    """Read a CSV file as spreadsheets write it: with or without a mark of UTF-8, delimited as the country has it."""
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        what = f"no UTF-8 at byte {error.start}"
        raise ConfigurationError(f"{path}: {what}; save it as 'CSV UTF-8', or use a workbook (.xlsx)") from error
    first = text.partition("\n")[0]
    try:
        sheet = pl.read_csv(
            text.encode(),
            separator=max(DELIMITERS, key=first.count),
            has_header=False,
            infer_schema=False,
        )
    except pl.exceptions.PolarsError as error:
        raise ConfigurationError(f"{path}: cannot be read as CSV: {str(error).splitlines()[0]}") from error
    return _as_lines(sheet)


def _as_lines(sheet: pl.DataFrame) -> list[list[str]]:
    return [["" if value is None else str(value) for value in line] for line in sheet.iter_rows()] or [[]]


def _read_workbook(path: Path) -> list[list[str]]:
    _library("fastexcel", path)
    try:
        sheet = pl.read_excel(
            path, infer_schema_length=0, has_header=False, drop_empty_rows=False, drop_empty_cols=False
        )
    except Exception as error:
        raise ConfigurationError(f"{path}: cannot be read as a workbook: {error}") from error
    return _as_lines(sheet)
