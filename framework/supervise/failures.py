"""What class of failure an exception is. The class decides about retry, exit code and who must act."""

from __future__ import annotations

import errno
import traceback

from framework.core.report import Failure
from framework.errors import SluiceError

_RESOURCE_ERRNO = {errno.ENOSPC: "disk full", errno.EDQUOT: "disk quota exceeded", errno.EMFILE: "too many open files"}
_TRANSIENT_ERRNO = {
    errno.EAGAIN,
    errno.ECONNRESET,
    errno.ECONNREFUSED,
    errno.ETIMEDOUT,
    errno.EHOSTUNREACH,
    errno.ESTALE,
}
_DISK_FULL = "No space left on device"
_UNSETTLED = {"DeltaError", "CommitFailedError"}  # deltalake's names for a commit that did not happen this time
_PANIC = "Polars panicked: a bug in Polars, or in how the plan uses it; a damaged input file can be the cause"


def classify(error: BaseException) -> Failure:
    """Give the failure class of an exception, and whether the same attempt may succeed later.

    A file that is gone between discovery and reading, lost connections and refused commits are transient; a full
    disk and memory are resources; everything that nobody foresaw is a bug.
    """
    name, text = type(error).__name__, str(error) or type(error).__name__
    if isinstance(error, SluiceError):
        return Failure(error.kind, name, text, error.retryable)
    if isinstance(error, MemoryError):
        return Failure("resource", name, f"out of memory: {text}")
    if isinstance(error, OSError):
        return _classify_os(error, text)
    return _classify_library(error, text)


def _classify_library(error: BaseException, text: str) -> Failure:
    """Errors of Polars, deltalake and botocore, told by name: none of them is imported for it."""
    name = type(error).__name__
    classes = {(c.__module__.partition(".")[0], c.__name__) for c in type(error).__mro__}
    if ("pyo3_runtime", "PanicException") in classes:
        return Failure("bug", name, f"{_PANIC}: {text}")
    if ("polars", "PolarsError") in classes and _DISK_FULL in text:
        return Failure("resource", name, f"disk full: {text}")
    if ("botocore", "BotoCoreError") in classes:  # the object store was not reached, or not understood
        return Failure("transient", name, text, retryable=True)
    if ("_internal", "DeltaError") in classes and name in _UNSETTLED:
        return Failure("transient", name, text, retryable=True)
    return Failure("bug", name, text)


def _classify_os(error: OSError, text: str) -> Failure:
    name = type(error).__name__
    if error.errno in _RESOURCE_ERRNO or _DISK_FULL in text:
        return Failure("resource", name, f"{_RESOURCE_ERRNO.get(error.errno or 0, 'disk full')}: {text}")
    transient = isinstance(error, (FileNotFoundError, ConnectionError, TimeoutError)) or error.errno in _TRANSIENT_ERRNO
    if transient or error.errno == errno.EIO or error.errno is None:
        return Failure("transient", name, text, retryable=True)
    return Failure("configuration", name, text)


def traceback_of(error: BaseException) -> str:
    """Render the traceback, causes included."""
    return "".join(traceback.format_exception(error))
