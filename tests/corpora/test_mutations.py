"""Sound files, damaged in thousands of ways: what is accepted of them is what was in them, line by line."""

from __future__ import annotations

import gzip
import io
import json
import os
import random
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from framework import Pipeline, parquet_files, table
from framework.core.typed import DataFrameModel
from framework.lake import open_table
from framework.run.flow import run_in
from framework.run.readers import judge_files
from framework.run.request import RunRequest
from framework.run.workspace import Workspace
from framework.storage import StorageLocation
from tests.corpora.golden import inputs
from tests.sources.reading import read_files

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.drawn(3)

MANY = 6 if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else 1
ROWS = 40
CELLS = [(f"{n}", f"wört {n}", f"{n * 7 % 11}.50") for n in range(ROWS)]
SCHEMA = {"a": pl.String(), "b": pl.String(), "c": pl.String()}
PLAIN = "".join(["a,b,c\n", *(f"{a},{b},{c}\n" for a, b, c in CELLS)]).encode()
QUOTED = "".join(["a,b,c\n", *(f'"{a}","{b}",{c}\n' for a, b, c in CELLS)]).encode()
LINES = "".join(json.dumps({"a": a, "b": b, "c": c}, ensure_ascii=False) + "\n" for a, b, c in CELLS).encode()
DOCUMENT = json.dumps([{"a": a, "b": b, "c": c} for a, b, c in CELLS]).encode()


def truncations(content: bytes) -> Iterator[bytes]:
    """Cut at every offset."""
    for end in range(len(content)):
        yield content[:end]


def flips(content: bytes, count: int, seed: int) -> Iterator[tuple[int, bytes]]:
    """One bit turned over, at random places; with the place."""
    chosen = random.Random(seed)
    for _ in range(count):
        place = chosen.randrange(len(content))
        damaged = bytearray(content)
        damaged[place] ^= 1 << chosen.randrange(8)
        yield place, bytes(damaged)


def read_all(folder, contents: list[bytes], kind: str, **options):
    named = {f"{n:05}.{kind}": content for n, content in enumerate(contents)}
    read = read_files(folder, named, schema=SCHEMA, kind=kind, **options)
    accepted: dict[str, dict[int, tuple[str | None, ...]]] = {name: {} for name in named}
    if not read.rows.height:
        return list(accepted.values()), read
    good = read.rows.filter(pl.col("_malformed").is_null())
    for name, line, *cells in good.select("_source_file", "_source_line", "a", "b", "c").rows():
        accepted[name][line] = tuple(cells)
    return list(accepted.values()), read


@pytest.mark.parametrize(("content", "kind"), [(PLAIN, "csv"), (QUOTED, "csv"), (LINES, "json")])
def test_of_a_truncated_file_only_the_last_line_can_differ(tmp_path, content, kind):
    first = 2 if kind == "csv" else 1
    cuts = list(truncations(content))
    for ended, accepted in zip(cuts, read_all(tmp_path, cuts, kind)[0], strict=True):
        whole = ended.count(b"\n")
        for line, cells in accepted.items():
            if line <= whole or kind == "json":
                assert cells == CELLS[line - first]
        lost = set(range(first, whole + 1)) - accepted.keys()
        assert not lost or len(ended) < 2


def test_truncated_documents_and_compressed_files_are_refused(tmp_path):
    for content, kind in ((DOCUMENT, "json"), (gzip.compress(PLAIN), "csv"), (gzip.compress(LINES), "json")):
        cuts = list(truncations(content))[3:]
        accepted, read = read_all(tmp_path, cuts, kind)
        assert not any(accepted)
        assert len(read.rejected) == len(cuts)


@pytest.mark.parametrize(("content", "kind"), [(PLAIN, "csv"), (QUOTED, "csv"), (LINES, "json")])
def test_a_flipped_bit_changes_its_own_line_only(tmp_path, content, kind):
    """A flip may make two lines of one, or one of two; what lies before and behind is as it was."""
    first, start = (2, content.find(b"\n") + 1) if kind == "csv" else (1, 0)
    found = [(place, damaged) for place, damaged in flips(content, 300 * MANY, 1) if place >= start]
    for (place, damaged), accepted in zip(found, read_all(tmp_path, [d for _, d in found], kind)[0], strict=True):
        line = content[:place].count(b"\n") + 1
        shift = damaged.count(b"\n") - content.count(b"\n")
        for number, cells in accepted.items():
            if number < line:
                assert cells == CELLS[number - first]
            elif number > line + 1:
                assert cells == CELLS[number - first - shift]
        assert len(accepted) >= ROWS - 2


@pytest.mark.parametrize(("content", "kind"), [(PLAIN, "csv"), (LINES, "json")])
def test_a_flipped_bit_in_a_compressed_file_is_found(tmp_path, content, kind):
    packed = gzip.compress(content, mtime=0)
    found = [damaged for _, damaged in flips(packed, 200 * MANY, 2)]
    first = 2 if kind == "csv" else 1
    whole = {n + first: cells for n, cells in enumerate(CELLS)}
    for accepted in read_all(tmp_path, found, kind)[0]:
        assert accepted in ({}, whole)  # the header holds bytes that mean nothing


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp037", "shift-jis"])
@pytest.mark.parametrize(("content", "kind"), [(PLAIN, "csv"), (QUOTED, "csv"), (LINES, "json"), (DOCUMENT, "json")])
def test_a_file_in_another_encoding_is_read_right_or_not_at_all(tmp_path, content, kind, encoding):
    text = content.decode().replace("ö", "o") if encoding == "shift-jis" else content.decode()
    (accepted,), read = read_all(tmp_path, [text.encode(encoding)], kind)
    first = 2 if kind == "csv" else 1
    for line, cells in accepted.items():
        meant = CELLS[line - first]
        assert cells in (meant, tuple(cell.replace("ö", "o") for cell in meant))
    assert accepted or read.rejected or read.wrong


@pytest.mark.parametrize("damage", ["NUL", "CR", "CRLF", "mixed", "blank"])
def test_line_ends_and_holes_cost_no_other_line(tmp_path, damage):
    ends = {"CR": b"\r", "CRLF": b"\r\n", "mixed": b"\n", "NUL": b"\n", "blank": b"\n\n"}[damage]
    lines = PLAIN.removesuffix(b"\n").split(b"\n")
    if damage == "mixed":
        content = b"".join(line + (b"\r\n" if n % 3 else b"\n") for n, line in enumerate(lines))
    else:
        content = ends.join(lines) + ends
    if damage == "NUL":
        place = content.find(b"\n20,") + 1
        content = content[:place] + bytes(30) + content[place + 30 :]
    (accepted,), read = read_all(tmp_path, [content], "csv")
    expected = [c for c in CELLS if damage != "NUL" or c[0] not in {"20", "21"}]
    kept = [cells for cells in accepted.values() if cells[0] is not None]
    assert [cells for cells in kept if cells in CELLS] == kept
    assert set(expected) <= set(kept)
    assert not read.rejected


def parquet(*, checksums: bool) -> bytes:
    target = io.BytesIO()
    table = pa.table({name: [row[n] for row in CELLS] for n, name in enumerate(SCHEMA)})
    pq.write_table(table, target, write_page_checksum=checksums, row_group_size=15)
    return target.getvalue()


def mutations() -> list[bytes]:
    """A Parquet file with checksums, damaged in all ways: bits turned over, ends cut off, holes."""
    content = parquet(checksums=True)
    chosen = random.Random(3)
    damaged = [d for _, d in flips(content, 250 * MANY, 4)]
    damaged += [content[:end] for end in range(0, len(content), max(1, 23 // MANY))]
    for _ in range(60 * MANY):
        place, length = chosen.randrange(len(content)), chosen.randrange(1, 64)
        damaged.append(content[:place] + bytes(min(length, len(content) - place)) + content[place + length :])
    return damaged


def test_damaged_parquet_files_with_checksums_are_refused_or_whole(tmp_path):
    """Every reader crash costs its file only; what is called ok has the rows that were written."""
    damaged = mutations()
    for n, one in enumerate(damaged):
        (tmp_path / f"{n:05}.parquet").write_bytes(one)
    verdicts = list(judge_files(inputs(tmp_path, "parquet"), StorageLocation(str(tmp_path))))
    assert len(verdicts) == len(damaged)
    read_well = [v for v in verdicts if v.outcome == "ok"]
    for verdict in read_well:
        frame = pl.read_parquet(tmp_path / verdict.path, glob=False)
        assert frame.rows() == CELLS, verdict.path
    assert len(read_well) < len(damaged) / 2


def test_a_run_that_fails_on_damaged_files_goes_on_with_those_that_are_whole(tmp_path):
    """Nobody asks for files to be read apart; the first one that fails makes it so, and each is taken in or held."""
    raw, lake = (StorageLocation(str(tmp_path / name)) for name in ("raw", "lake"))
    (tmp_path / "raw").mkdir()
    for n, one in enumerate([parquet(checksums=True), *mutations()]):
        (tmp_path / "raw" / f"{n:05}.parquet").write_bytes(one)
    model = type("Cells", (DataFrameModel,), {"__annotations__": dict.fromkeys(SCHEMA, str)})
    source = parquet_files("*.parquet", schema=model)
    pipeline = Pipeline("t.cells", sources={"cells": source}, outputs=[table("cells", of="cells", mode="append")])
    counts = run_in(pipeline, Workspace(raw, lake), RunRequest()).sources["cells"]
    rows = open_table(lake, "cells").scan().sort("_source_line").collect()
    whole = {
        file: group.select(*SCHEMA).rows() for (file,), group in rows.partition_by("_source_file", as_dict=True).items()
    }
    assert all(cells == CELLS for cells in whole.values())
    held = open_table(lake, "_quarantine/t.cells").scan().collect()
    assert held["line"].null_count() == held.height == counts.files_rejected
    assert set(held["file"]) | set(whole) == {f"{n:05}.parquet" for n in range(counts.files)}
    assert "00000.parquet" in whole
    assert counts.files == counts.files_rejected + len(whole)
