"""An S3 server in a process of its own, and the settings to reach it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from framework.settings import S3Settings
from framework.storage import StorageLocation
from tests.torture.runners import Crew

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from framework.storage import FileInfo

ACCESS_KEY = "AKIACANARY0123456789"
SECRET = "canary/secret+key=0123456789abcdefghij"


@dataclass
class Server:
    """A running server; `log` holds what it has printed."""

    endpoint: str
    log: list[str] = field(default_factory=list)

    @property
    def settings(self) -> dict[str, str]:
        """The settings that reach it, in plain values."""
        return {
            "endpoint_url": self.endpoint,
            "region": "eu-central-1",
            "access_key_id": ACCESS_KEY,
            "secret_access_key": SECRET,
        }

    def location(self, url: str) -> StorageLocation:
        """A location on it."""
        return StorageLocation(url, S3Settings(**self.settings))


@dataclass(frozen=True)
class Bucket:
    """A bucket of one test, with a raw folder and a lake."""

    server: Server
    name: str

    @property
    def raw(self) -> StorageLocation:
        """The raw folder."""
        return self.server.location(f"s3://{self.name}/raw")

    @property
    def lake(self) -> StorageLocation:
        """The lake."""
        return self.server.location(f"s3://{self.name}/lake")

    def upload(self, folder: Path) -> None:
        """Put the files of a local raw folder that are not there yet, and give all of them the times they have here.

        An object's time is that of its arrival; a local run only compares when its files have the same.
        """
        there = {file.path for file in self._uploaded(folder)}
        paths = {str(path.relative_to(folder)): path for path in sorted(folder.rglob("*.*")) if path.is_file()}
        for name, path in paths.items():
            if name not in there and not name.startswith("_"):
                self.raw.filesystem().put_file(str(path), self.raw.uri(name))
        for file in self._uploaded(folder):
            os.utime(paths[file.path], (file.modified.timestamp(),) * 2)

    def _uploaded(self, folder: Path) -> list[FileInfo]:
        return [file for below in folder.iterdir() for file in self.raw.files(f"{below.name}/*")]

    def download(self, folder: Path) -> Path:
        """Copy the lake into a local folder, so that its bare files can be looked at."""
        self.lake.filesystem().get(self.lake.uri() + "/", f"{folder}/", recursive=True)
        return folder

    @property
    def job(self) -> dict[str, Any]:
        """The folders and settings as a runner is told them."""
        return {"raw": self.raw.root, "lake": self.lake.root, "s3": self.server.settings}


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The S3 server."""
    command = [sys.executable, "-u", "-m", "moto.server", "-H", "127.0.0.1", "-p", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    printed: list[str] = []
    for line in process.stdout:
        printed.append(line)
        if found := re.search(r"Running on (http://[\d.]+:\d+)", line):
            break
    else:
        pytest.fail("moto's server ended: " + "".join(printed))
    running = Server(found[1], printed)
    reader = threading.Thread(target=lambda: running.log.extend(process.stdout))
    reader.start()
    yield running
    process.terminate()
    process.wait()
    reader.join()
    process.stdout.close()


@pytest.fixture
def bucket(server: Server) -> Bucket:
    """An empty bucket."""
    name = f"test-{uuid.uuid4()}"
    server.location(f"s3://{name}").filesystem().mkdir(name)
    return Bucket(server, name)


@pytest.fixture(scope="session")
def crew() -> Iterator[Crew]:
    """Runner processes."""
    found = Crew()
    yield found
    found.dismiss()
