"""The verdict on records: that of a boundary on a real file of JSON lines, and that of a JSON Schema validator."""

# ruff: noqa: TC002 - Pandera is imported where schemas are made

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema_rs
import pandera.polars as pa
import polars as pl
from hypothesis import Phase, settings

from framework.boundary import QUARANTINE_SCHEMA, check, compile_contract
from framework.boundary.json_schema import read_json_schema
from framework.core.plan import FileInput
from framework.core.source import Expected, FileSource
from framework.errors import DefinitionError
from framework.sources import scan_files
from framework.storage import StorageLocation
from tests.boundary.checking import MOMENT
from tests.boundary.parity.judging import HALF

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.boundary import Contract

CONTRADICTIONS = {"it holds dates, moments or times of day beside each other", "no value is left"}
UNSHRUNK = settings(HALF, phases=[Phase.explicit, Phase.reuse, Phase.generate])
"""An example compiles several contracts and reads a file: to make it small would take minutes."""
SOURCE = FileSource("json", ("records.ndjson",))


def boundary_says(schema: pa.DataFrameSchema | type[pa.DataFrameModel], records: Sequence[Any]) -> list[bool]:
    """Which records of a file are accepted, in their order."""
    reasons = reasons_for(schema, records)
    return [number not in reasons for number in range(len(records))]


def reasons_for(schema: pa.DataFrameSchema | type[pa.DataFrameModel], records: Sequence[Any]) -> dict[int, list[str]]:
    """Why records are refused, by their number from 0."""
    with tempfile.TemporaryDirectory() as folder:
        # A file with one line is one document, in which a list would be many records.
        lines = [json.dumps(record, ensure_ascii=False) for record in [*records, {}, {}]]
        Path(folder, "records.ndjson").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return _refused(compile_contract(schema), folder, len(records))


def _refused(contract: Contract, folder: str, count: int) -> dict[int, list[str]]:
    size = Path(folder, "records.ndjson").stat().st_size
    file = FileInput(MOMENT, "records.ndjson", size)
    required = frozenset(name for name, spec in contract.columns.items() if spec.required and spec.default is None)
    expected = Expected(contract.schema, required, contract.is_strict, contract.is_ordered)
    scanned = scan_files(SOURCE, [file], StorageLocation(folder), expected)
    assert not scanned.rejected, scanned.rejected
    quarantined: list[pl.DataFrame] = []
    checked = check(scanned.parts, contract, source="records", quarantine=quarantined.append)
    accepted = checked.accepted.collect(engine="streaming")
    tally = checked.tally
    refused = pl.concat(quarantined) if quarantined else pl.DataFrame(schema=QUARANTINE_SCHEMA)
    assert tally.accepted + tally.refused == accepted.height + refused.height == count + 2
    return {line - 1: reasons for line, reasons in refused.select("line", "reasons").rows() if line <= count}


def validator_says(document: dict[str, Any], records: Sequence[Any]) -> list[bool]:
    """Which records a validator of draft 2020-12 accepts; it holds formats."""
    validator = jsonschema_rs.Draft202012Validator(document, validate_formats=True)
    return [validator.is_valid(record) for record in records]


def read(document: dict[str, Any]) -> pa.DataFrameSchema | None:
    """The schema of a document; None for one that cannot be had for a reason that drawn documents may give."""
    try:
        return read_json_schema(document, name="record")
    except DefinitionError as error:
        told = {problem.what for problem in error.problems}
        assert told <= CONTRADICTIONS, told
        return None
