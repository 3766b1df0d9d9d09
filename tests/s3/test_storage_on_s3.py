"""The few operations that runs are built on, against a real S3 server; and what a store that is not there says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.exceptions
import pytest

from framework.core.failures import classify
from framework.errors import StorageError

if TYPE_CHECKING:
    from tests.s3.conftest import Bucket


def test_the_first_to_create_a_file_wins(bucket: Bucket):
    assert bucket.lake.create("plans/1.json", b"ours")
    assert not bucket.lake.create("plans/1.json", b"theirs")
    assert bucket.lake.read("plans/1.json") == b"ours"
    assert bucket.lake.read("plans/2.json") is None


def test_a_refusal_in_other_words_is_understood(bucket: Bucket, monkeypatch: pytest.MonkeyPatch):
    client = bucket.lake.filesystem()  # fsspec gives the same one for the same settings
    bucket.lake.create("plans/1.json", b"ours")

    def refused(*args: Any, **options: Any) -> None:
        raise OSError(22, "At least one of the pre-conditions you specified did not hold")

    monkeypatch.setattr(client, "pipe_file", refused)
    assert not bucket.lake.create("plans/1.json", b"theirs")
    with pytest.raises(StorageError, match=r"cannot write s3://.*/plans/2.json: .*pre-conditions"):
        bucket.lake.create("plans/2.json", b"theirs")


def test_a_listing_shows_names_as_they_are(bucket: Bucket):
    names = ["sales/a [1]*?.csv", "sales/ü b%20.csv.gz"]
    for name in [*names, "sales/.hidden.csv", "sales/below/c.csv", "sales/d.txt"]:
        bucket.raw.create(name, b"content")
    assert [file.path for file in bucket.raw.files("sales/*.csv")] == names
    assert bucket.raw.folders() == ["sales"]
    assert bucket.raw.read(names[0]) == b"content"
    assert bucket.raw.files("nothing/*.csv") == []


def test_a_file_is_replaced_whole_or_not_at_all(bucket: Bucket):
    assert not bucket.lake.exists("files/a.json")
    with bucket.lake.replace("files/a.json") as file:
        file.write(b"[1]")
    assert bucket.lake.exists("files/a.json")
    with pytest.raises(RuntimeError, match="half way"), bucket.lake.replace("files/a.json") as file:  # noqa: PT012
        file.write(b"[1,")
        raise RuntimeError("half way")
    assert bucket.lake.read("files/a.json") == b"[1]"


def test_a_large_file_that_breaks_off_leaves_the_old_one(bucket: Bucket):
    with bucket.lake.replace("files/a.json") as file:
        file.write(b"old")
    with pytest.raises(RuntimeError, match="half way"), bucket.lake.replace("files/a.json") as file:  # noqa: PT012
        for _ in range(30):  # more than one part of an upload
            file.write(b"x" * 2**20)
        raise RuntimeError("half way")
    assert bucket.lake.read("files/a.json") == b"old"


def test_a_bucket_that_is_not_there_is_no_empty_folder(bucket: Bucket):
    with pytest.raises(StorageError, match=r"cannot list s3://no-such-bucket/raw/sales: .*bucket does not exist"):
        bucket.server.location("s3://no-such-bucket/raw").files("sales/*.csv")


def test_a_store_that_cannot_be_reached_may_be_tried_again():
    error = botocore.exceptions.EndpointConnectionError(endpoint_url="http://127.0.0.1:1")
    assert classify(error).kind == "transient"
    assert classify(error).retryable
