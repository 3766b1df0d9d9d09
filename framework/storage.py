"""One folder of local disk or of an object store, and the few operations that runs are built on.

Data goes through Polars and deltalake, which have their own clients; `StorageLocation` renders one set of options for
each of them and for fsspec. The small control files (run plans, manifests) are read and written here, and a new one is
created only if it is not there yet: that is the one primitive that decides races.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from framework.errors import ConfigurationError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from framework.settings import S3Settings

COMPRESSED = (".gz", ".zst")
READABLE = 0o644


@dataclass(frozen=True, order=True)
class FileInfo:
    """One file as a listing shows it: path relative to the location, size in bytes, time of its last change."""

    path: str
    size: int
    modified: datetime
    etag: str | None = None

    @property
    def signature(self) -> tuple[int, int, str | None]:
        """What tells one content of a path from another."""
        return self.size, int(self.modified.timestamp() * 1e6), self.etag


@dataclass(frozen=True)
class StorageLocation:
    """A root folder: a local path or an `s3://bucket/prefix` URL.

    `tries_again`: whether the client of an object store makes a request again itself, several times.
    """

    root: str
    s3: S3Settings | None = field(default=None, repr=False)
    tries_again: bool = True

    def __post_init__(self) -> None:
        scheme = self.root.partition("://")[0] if "://" in self.root else ""
        if scheme not in {"", "s3"}:
            raise ConfigurationError(f"{self.root}: storage of kind '{scheme}' is not supported; use a path or s3://")

    @property
    def is_local(self) -> bool:
        """Whether files can be reached by path."""
        return "://" not in self.root

    def uri(self, path: str = "") -> str:
        """The full path or URL of a file below the root."""
        return f"{self.root.rstrip('/')}/{path}" if path else self.root.rstrip("/")

    def below(self, path: str) -> StorageLocation:
        """The same storage, rooted at a folder below."""
        return replace(self, root=self.uri(path))

    def tried_once(self) -> StorageLocation:
        """The same storage for callers that try again by themselves, so that it is not asked more often than they say.

        NOTE: s3fs 2026.9 tries five times what botocore tries five times: 25 requests to a store that says SlowDown.
        """
        return replace(self, tries_again=False)

    def options(self) -> dict[str, str]:
        """Options for Polars and deltalake, which share one dialect; empty on local disk."""
        if self.is_local or self.s3 is None:
            return {}
        secret = self.s3.secret_access_key
        token = self.s3.session_token
        found = {
            "aws_endpoint_url": self.s3.endpoint_url,
            "aws_region": self.s3.region,
            "aws_access_key_id": self.s3.access_key_id,
            "aws_secret_access_key": secret.get_secret_value() if secret else None,
            "aws_session_token": token.get_secret_value() if token else None,
            "aws_allow_http": "true" if (self.s3.endpoint_url or "").startswith("http://") else None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def filesystem(self) -> Any:
        """The fsspec file system, without a cache of listings."""
        import fsspec

        if self.is_local:
            return fsspec.filesystem("file")
        names = {
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
            "aws_session_token": "token",
            "aws_endpoint_url": "endpoint_url",
        }
        options = self.options()
        known: dict[str, Any] = {ours: options[theirs] for theirs, ours in names.items() if theirs in options}
        if "aws_region" in options:
            known["client_kwargs"] = {"region_name": options["aws_region"]}
        if self.tries_again:
            return fsspec.filesystem("s3", use_listings_cache=False, **known)
        once = {"retries": {"total_max_attempts": 1}}
        client = fsspec.filesystem("s3", use_listings_cache=False, config_kwargs=once, **known)
        client.retries = 1  # fsspec keeps one client per set of options: this one is of those that try once
        return client

    def read(self, path: str) -> bytes | None:
        """The content of a small file, or None when there is none."""
        try:
            if self.is_local:
                return Path(self.uri(path)).read_bytes()
            content: bytes = self.filesystem().cat_file(self.uri(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(f"cannot read {self.uri(path)}: {error}") from error
        return content

    def create(self, path: str, content: bytes) -> bool:
        """Write a small file if there is none by that name; False when somebody was first. Durable on return."""
        try:
            return self._create_local(path, content) if self.is_local else self._create_remote(path, content)
        except OSError as error:
            raise StorageError(f"cannot write {self.uri(path)}: {error}") from error

    def _create_local(self, path: str, content: bytes) -> bool:
        target = Path(self.uri(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".tmp-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.link(name, target)
        except FileExistsError:
            return False
        finally:
            Path(name).unlink(missing_ok=True)
        sync_folders(target.parent, stop=Path(self.root))
        return True

    def _create_remote(self, path: str, content: bytes) -> bool:
        try:
            self.filesystem().pipe_file(self.uri(path), content, mode="create")
        except FileExistsError:
            return False
        except OSError:
            # NOTE: s3fs 2026.9 knows the refusal in AWS' words only, and an answer can get lost: look who is there.
            if self.read(path) is None:
                raise
            return False
        return True

    @contextmanager
    def replace(self, path: str) -> Iterator[IO[bytes]]:
        """Write a file that takes the place of the one by that name when the block ends well, at once and whole.

        Durable on return. When the block raises, the old file stays.
        """
        try:
            if self.is_local:
                with self._replace_local(path) as file:
                    yield file
            else:
                with self.filesystem().transaction, self.filesystem().open(self.uri(path), "wb") as file:
                    yield file
        except OSError as error:
            raise StorageError(f"cannot write {self.uri(path)}: {error}") from error

    @contextmanager
    def _replace_local(self, path: str) -> Iterator[IO[bytes]]:
        target = Path(self.uri(path))
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=".tmp-")
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(READABLE)
            Path(name).replace(target)
        finally:
            Path(name).unlink(missing_ok=True)
        sync_folders(target.parent, stop=Path(self.root))

    def exists(self, path: str) -> bool:
        """Whether there is a file by that name."""
        if self.is_local:
            return Path(self.uri(path)).is_file()
        return bool(self.filesystem().exists(self.uri(path)))

    def delete(self, path: str) -> None:
        """Delete a file; one that is not there is fine."""
        try:
            self.filesystem().rm_file(self.uri(path))
        except FileNotFoundError:
            return

    def files(self, pattern: str) -> list[FileInfo]:
        """List the files that match a glob such as `sales/*.csv` (`*` stays within one folder), sorted by path.

        A pattern also matches its compressed forms (`.gz`, `.zst`). Hidden files (`.` or `_` first) are not listed.
        """
        folder = pattern.rpartition("/")[0]
        if any(c in folder for c in "*?["):
            raise ConfigurationError(f"pattern '{pattern}': wildcards are possible in the file name only")
        found = self._list_local(folder) if self.is_local else self._list_remote(folder)
        return sorted(info for info in found if _visible(info.path) and matches_any(info.path, [pattern]))

    def _list_local(self, folder: str) -> Iterator[FileInfo]:
        base = Path(self.uri(folder))
        if not Path(self.root).is_dir():
            raise ConfigurationError(f"folder {self.root} does not exist; create it, or point SLUICE_RAW at the input")
        if not base.is_dir():
            return
        for entry in os.scandir(base):
            if entry.is_file():
                stat = entry.stat()
                yield FileInfo(f"{folder}/{entry.name}".lstrip("/"), stat.st_size, local_time(stat))

    def _list_remote(self, folder: str) -> Iterator[FileInfo]:
        base = self.uri(folder).removeprefix("s3://").rstrip("/") + "/"
        try:
            entries = self.filesystem().ls(base, detail=True)
        except OSError as error:
            # NOTE: s3fs 2026.9 raises this for an empty folder too, but without a cause; with one the bucket is gone.
            if isinstance(error, FileNotFoundError) and error.__cause__ is None:
                return
            raise StorageError(f"cannot list {self.uri(folder)}: {error}") from error
        for entry in entries:
            if entry["type"] != "file":
                continue
            path = f"{folder}/{entry['name'].removeprefix(base)}".lstrip("/")
            etag = str(entry.get("ETag") or "").strip('"') or None
            yield FileInfo(path, int(entry["size"]), entry["LastModified"].astimezone(UTC), etag)

    def folders(self, path: str = "") -> list[str]:
        """The names of the folders directly below a folder, sorted."""
        if self.is_local:
            base = Path(self.uri(path))
            return sorted(e.name for e in os.scandir(base) if e.is_dir()) if base.is_dir() else []
        base_url = self.uri(path).removeprefix("s3://").rstrip("/")
        try:
            entries = self.filesystem().ls(base_url, detail=True)
        except FileNotFoundError:
            return []
        return sorted(e["name"].rstrip("/").rpartition("/")[2] for e in entries if e["type"] == "directory")


def matches_any(path: str, patterns: Iterable[str]) -> bool:
    """Whether a path matches one of some globs, or a compressed form of it."""
    return any(fnmatchcase(path, pattern + ending) for pattern in patterns for ending in ("", *COMPRESSED))


def local_time(stat: os.stat_result) -> datetime:
    """When a local file changed last, to the microsecond (UTC)."""
    return datetime.fromtimestamp(stat.st_mtime_ns // 1000 / 1e6, UTC)


def _visible(path: str) -> bool:
    return not path.rpartition("/")[2].startswith((".", "_"))


def sync_file(path: Path) -> None:
    """Force a file's content to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folders(folder: Path, stop: Path) -> None:
    """Force the entries of a folder, and of its parents up to `stop`, to the disk."""
    current = folder
    while True:
        sync_file(current)
        if current in {stop, current.parent} or not current.is_relative_to(stop):
            return
        current = current.parent
