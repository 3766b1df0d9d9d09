"""Storage locations: put-if-absent, listings, and one set of options for every client."""

from __future__ import annotations

import multiprocessing
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from framework.errors import ConfigurationError, StorageError
from framework.settings import S3Settings
from framework.storage import FileInfo, StorageLocation

RACERS = 8
ROUNDS = 20


@pytest.fixture
def place(tmp_path):
    return StorageLocation(str(tmp_path))


def compete(root: str, number: int, barrier, wins) -> None:
    location = StorageLocation(root)
    for turn in range(ROUNDS):
        barrier.wait(timeout=60)
        if location.create(f"plans/{turn}.json", f"racer {number}".encode()):
            wins.put((turn, number))


def winners(root, make_racer, barrier, queue) -> dict[int, int]:
    racers = [make_racer(target=compete, args=(root, n, barrier, queue)) for n in range(RACERS)]
    for racer in racers:
        racer.start()
    found = [queue.get(timeout=60) for _ in range(ROUNDS)]
    for racer in racers:
        racer.join(timeout=60)
    assert queue.empty()
    assert len(dict(found)) == ROUNDS
    return dict(found)


@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_of_many_racers_exactly_one_creates_a_file(tmp_path, kind):
    if kind == "threads":
        from queue import Queue

        found = winners(str(tmp_path), threading.Thread, threading.Barrier(RACERS), Queue())
    else:
        spawn = multiprocessing.get_context("spawn")
        found = winners(str(tmp_path), spawn.Process, spawn.Barrier(RACERS), spawn.Queue())
    for turn, number in found.items():
        assert (tmp_path / f"plans/{turn}.json").read_text() == f"racer {number}"
    assert len(list((tmp_path / "plans").iterdir())) == ROUNDS


def test_created_file_is_read_back_and_never_replaced(place):
    assert place.read("a/b/c.json") is None
    assert place.create("a/b/c.json", b"first") is True
    assert place.create("a/b/c.json", b"second") is False
    assert place.read("a/b/c.json") == b"first"


def test_deleted_file_may_be_created_again(place):
    place.create("a.json", b"1")
    place.delete("a.json")
    place.delete("a.json")
    assert place.create("a.json", b"2") is True
    assert place.read("a.json") == b"2"


def test_location_below_is_the_same_storage(place, tmp_path):
    below = place.below("x/y")
    below.create("f", b"1")
    assert (tmp_path / "x/y/f").read_bytes() == b"1"
    assert StorageLocation("s3://b/p/", S3Settings(region="eu")).below("x").uri("f") == "s3://b/p/x/f"


def test_what_cannot_be_read_or_written_is_a_storage_error(place, tmp_path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match=f"^cannot read {tmp_path}/folder: "):
        place.read("folder")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StorageError, match=f"^cannot write {tmp_path}/file/below: "):
        place.create("file/below", b"")


@pytest.fixture
def filled(place, tmp_path):
    names = [
        "sales/b.csv", "sales/a.csv", "sales/c.csv.gz", "sales/d.csv.zst", "sales/e.csv.bz2", "sales/f.CSV",
        "sales/.hidden.csv", "sales/_part.csv", "sales/g.csv.tmp", "sales/old/h.csv", "salesx/i.csv", "top.csv",
        "sales/[1].csv",
    ]  # fmt: skip
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"12345")
    (tmp_path / "sales/folder.csv").mkdir()
    return place


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("sales/*.csv", ["sales/[1].csv", "sales/a.csv", "sales/b.csv", "sales/c.csv.gz", "sales/d.csv.zst"]),
        ("sales/a.csv", ["sales/a.csv"]),
        ("sales/?.csv", ["sales/a.csv", "sales/b.csv", "sales/c.csv.gz", "sales/d.csv.zst"]),
        ("sales/[ab].csv", ["sales/a.csv", "sales/b.csv"]),
        ("*.csv", ["top.csv"]),
        ("sales/old/*", ["sales/old/h.csv"]),
        ("nothing/*.csv", []),
        ("top.csv/*.csv", []),
    ],
)
def test_pattern_lists_visible_files_of_its_folder(filled, pattern, expected):
    assert [info.path for info in filled.files(pattern)] == expected


def test_pattern_with_a_wild_folder_is_refused(place):
    with pytest.raises(
        ConfigurationError, match=r"^pattern '\*/x\.csv': wildcards are possible in the file name only$"
    ):
        place.files("*/x.csv")


def test_listing_tells_size_and_time_of_change_in_microseconds(place, tmp_path):
    (tmp_path / "a.csv").write_bytes(b"1234")
    os.utime(tmp_path / "a.csv", ns=(0, 1_700_000_000_123_456_789))
    expected = FileInfo("a.csv", 4, datetime(2023, 11, 14, 22, 13, 20, 123456, UTC))
    assert place.files("*.csv") == [expected]
    assert expected.signature == (4, 1_700_000_000_123_456, None)


def test_folders_are_listed_by_name(filled):
    assert filled.folders() == ["sales", "salesx"]
    assert filled.folders("sales") == ["folder.csv", "old"]
    assert filled.folders("nothing") == []


def test_local_location_needs_no_options(place):
    assert place.is_local
    assert place.options() == {}


def test_s3_settings_are_rendered_for_polars_and_deltalake():
    s3 = S3Settings(endpoint_url="http://127.0.0.1:5000", region="eu", access_key_id="me", secret_access_key="hush")
    location = StorageLocation("s3://bucket/lake", s3)
    assert not location.is_local
    assert location.options() == {
        "aws_endpoint_url": "http://127.0.0.1:5000",
        "aws_region": "eu",
        "aws_access_key_id": "me",
        "aws_secret_access_key": "hush",
        "aws_allow_http": "true",
    }
    assert "hush" not in repr(location)


def test_empty_s3_settings_leave_the_default_chain_at_work():
    assert StorageLocation("s3://bucket", S3Settings()).options() == {}
    assert StorageLocation("s3://bucket", S3Settings(endpoint_url="https://s3")).options() == {
        "aws_endpoint_url": "https://s3"
    }


def test_s3_settings_are_rendered_for_fsspec():
    s3 = S3Settings(
        endpoint_url="http://h", region="eu", access_key_id="me", secret_access_key="hush", session_token="t"
    )
    system = StorageLocation("s3://bucket", s3).filesystem()
    assert (system.key, system.secret, system.token, system.endpoint_url) == ("me", "hush", "t", "http://h")
    assert system.client_kwargs == {"region_name": "eu"}
    assert system.dircache.use_listings_cache is False


def test_other_storage_is_refused():
    text = "^gs://bucket: storage of kind 'gs' is not supported; use a path or s3://$"
    with pytest.raises(ConfigurationError, match=text):
        StorageLocation("gs://bucket")


def test_failed_creation_leaves_nothing_behind(place, tmp_path, monkeypatch):
    def broken(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "link", broken)
    with pytest.raises(StorageError, match="disk full"):
        place.create("a.json", b"1")
    assert list(Path(tmp_path).iterdir()) == []


def test_a_replaced_file_is_the_new_one_whole_and_can_be_read_by_others(place, tmp_path):
    for content in (b"old", b"new"):
        with place.replace("a/b.json") as file:
            file.write(content)
    assert place.read("a/b.json") == b"new"
    assert (tmp_path / "a/b.json").stat().st_mode & 0o777 == 0o644
    assert (place.exists("a/b.json"), place.exists("a")) == (True, False)


def test_a_replacement_that_breaks_off_leaves_the_old_file_and_nothing_else(place, tmp_path):
    with place.replace("b.json") as file:
        file.write(b"old")
    with pytest.raises(StorageError, match=r"cannot write .*b\.json: disk full"), place.replace("b.json") as file:  # noqa: PT012
        file.write(b"ne")
        raise OSError("disk full")
    assert place.read("b.json") == b"old"
    assert [path.name for path in Path(tmp_path).iterdir()] == ["b.json"]
