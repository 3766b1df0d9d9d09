"""`sluice check-files`: one verdict on every file of a folder."""

from __future__ import annotations

import gzip
import hashlib
import json
import os


def fill(folder):
    (folder / "deep").mkdir()
    good = b"a,b\n1,2\n"
    (folder / "good.csv").write_bytes(good)
    (folder / "good.csv.sha256").write_text(f"{hashlib.sha256(good).hexdigest()}  good.csv\n")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "header only.csv").write_bytes(b"a,b\n")
    (folder / "deep" / "some.ndjson.gz").write_bytes(gzip.compress(b'{"a": 1}\n{"a": 2\n\n'))
    (folder / "promised.csv").write_bytes(good)
    (folder / "promised.csv.manifest").write_text('{"rows": 2}')
    (folder / "notes").write_bytes(b"a\n1\n")
    os.mkfifo(folder / "pipe.csv")


def test_every_file_gets_one_verdict(sluice, tmp_path):
    fill(tmp_path)
    done = sluice("check-files", tmp_path, "--json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    found = {file["path"]: (file["outcome"], file["rows"], file["reason"]) for file in document["files"]}
    assert found == {
        "deep/some.ndjson.gz": ("quarantine", 2, ""),
        "empty.csv": ("rejected", 0, "the file is empty"),
        "good.csv": ("ok", 1, ""),
        "header only.csv": ("ok", 0, ""),
        "notes": (
            "rejected",
            0,
            "its name does not say what it is (.csv, .tsv, .txt, .json, .ndjson, .jsonl, .parquet, .parq); --kind does",
        ),
        "pipe.csv": ("rejected", 0, "it is no regular file"),
        "promised.csv": ("rejected", 0, "it has 1 rows, and 2 were promised"),
    }
    assert document["counts"] == {"quarantine": 1, "rejected": 4, "ok": 2}


def test_table_for_people_ends_with_the_counts(sluice, tmp_path):
    (tmp_path / "a.csv").write_bytes(b"a,b\n1,2\n\n3,4,5\n")
    (tmp_path / "b").write_bytes(b"a\n1\n")
    done = sluice("check-files", tmp_path, "--kind", "csv")
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "verdict     file   rows  quarantined  size  reason",
        "quarantine  a.csv     3            1  15 B  1 x too many fields: more than 2",
        "ok          b         1            0  4 B   -",
        "2 files: 1 quarantine, 1 ok",
    ]


def test_folder_that_is_not_there_is_a_wrong_command(sluice, tmp_path):
    done = sluice("check-files", tmp_path / "nowhere")
    assert (done.returncode, done.stderr) == (2, f"error: {tmp_path / 'nowhere'}: there is no such folder\n")


def test_folder_without_files_is_fine(sluice, tmp_path):
    done = sluice("check-files", tmp_path)
    assert (done.returncode, done.stdout) == (0, "the folder holds no files\n")
