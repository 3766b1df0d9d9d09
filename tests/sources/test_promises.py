"""What is promised of a file beside it: size, checksum, rows."""

from __future__ import annotations

import hashlib
import io
import json

import polars as pl
import pytest

from framework.errors import DefinitionError
from framework.sources import csv_files, guarded

CSV = b"a,b,c\n1,x,3\n\n4,5\n6,7,8,9\n"
DIGEST = hashlib.sha256(CSV).hexdigest()


@pytest.fixture
def read(scan, tmp_path):
    def run(content: bytes, name: str = "f.csv", **beside: bytes | str):
        for kind, promised in beside.items():
            (tmp_path / f"{name}.{kind}").write_bytes(promised if isinstance(promised, bytes) else promised.encode())
        return scan({name: content, f"other.{name.split('.')[1]}": content}, manifest=tuple(beside) or ("sha256",))

    return run


def reason_of(found) -> str | None:
    assert "other.csv" in found.rejected  # nothing is promised of it
    return found.rejected.get("f.csv")


@pytest.mark.parametrize(
    "promised", [f"{DIGEST}  f.csv\n", f"{DIGEST} *elsewhere/f.csv", DIGEST.upper(), f"\\{DIGEST}  f\\n.csv"]
)
def test_file_that_has_its_checksum_is_read(read, promised):
    assert reason_of(read(CSV, sha256=promised)) is None


def test_file_with_another_checksum_is_refused(read):
    found = hashlib.sha256(CSV + b"\n").hexdigest()
    reason = f"its SHA-256 is {found[:12]}..., promised is {DIGEST[:12]}..."
    assert reason_of(read(CSV + b"\n", sha256=f"{DIGEST}  f.csv\n")) == reason


@pytest.mark.parametrize("promised", ["", "abc", f"{DIGEST}  f.csv\n{DIGEST}  g.csv\n", b"\xff\xfe"])
def test_checksum_that_is_none_refuses_the_file(read, promised):
    assert reason_of(read(CSV, sha256=promised)).startswith("f.csv.sha256 cannot be read: ")


@pytest.mark.parametrize(
    "promised", [{"rows": 3}, {"bytes": len(CSV)}, {"sha256": DIGEST, "rows": 3, "bytes": len(CSV)}, {"sha256": DIGEST}]
)
def test_file_that_keeps_its_manifest_is_read(read, promised):
    assert reason_of(read(CSV, manifest=json.dumps(promised))) is None


@pytest.mark.parametrize(
    ("promised", "reason"),
    [
        ('{"rows": 4}', "it has 3 rows, and 4 were promised"),
        ('{"bytes": 4000}', "it has 25 bytes, and 4,000 were promised"),
        ("[]", "f.csv.manifest cannot be read: expected a JSON object with bytes, sha256, rows"),
        ("{}", "f.csv.manifest cannot be read: expected a JSON object with bytes, sha256, rows"),
        ('{"lines": 4}', "f.csv.manifest cannot be read: expected a JSON object with bytes, sha256, rows"),
        ('{"rows": "4"}', 'f.csv.manifest cannot be read: rows is "4"'),
        ('{"rows": true}', "f.csv.manifest cannot be read: rows is true"),
    ],
)
def test_file_that_breaks_its_manifest_is_refused(read, promised, reason):
    assert reason_of(read(CSV, manifest=promised)) == reason


def test_file_without_a_promise_is_refused(read):
    assert reason_of(read(CSV)) == "there is no f.csv.sha256 beside it"


def test_file_that_cannot_be_read_is_refused_for_that(read):
    assert reason_of(read(b"", manifest='{"rows": 3}')) == "the file is empty"


def test_rows_of_other_formats_are_counted_too(scan, tmp_path):
    target = io.BytesIO()
    pl.DataFrame({"a": ["1", "2"]}).write_parquet(target)
    for name, content in (("f.parquet", target.getvalue()), ("f.json", b'{"a": 1}\n\n{"a": 2\n')):
        for rows, is_refused in ((2, False), (3, True)):
            (tmp_path / f"{name}.manifest").write_text(json.dumps({"rows": rows}))
            found = scan({name: content}, schema={"a": pl.String()}, manifest=("manifest",))
            assert bool(found.rejected) is is_refused


def test_unknown_kind_of_manifest_is_a_mistake_in_the_definition():
    with pytest.raises(DefinitionError) as caught:
        guarded(csv_files("*.csv"), manifest="md5")
    assert str(caught.value) == ("1 problem in the definition:\n  - guarded: manifest='md5' (one of sha256, manifest)")
