"""What class of failure an exception is. The class decides about retry, exit code and who must act."""

from __future__ import annotations

import errno
import re
import socket
import traceback
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from framework.core.report import Failure
from framework.errors import HookError, SluiceError, StorageError

if TYPE_CHECKING:
    from collections.abc import Iterator

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
_NO_ACCESS = {
    "AccessDenied",
    "AuthFailure",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidToken",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "TokenRefreshRequired",
    "UnrecognizedClientException",
}
"""What an object store calls credentials that are wrong, too old, or not enough."""
_SET_UP = {"NoCredentialsError", "PartialCredentialsError", "ParamValidationError", "ProfileNotFound", "NoRegionError"}
"""Errors of botocore that come of settings; all of its others, of a store that was not reached or not understood."""
_NO_BUCKET = "NoSuchBucket"
_BUSY = {"SlowDown", "RequestTimeout", "RequestTimeoutException", "InternalError", "ServiceUnavailable"}
_TOO_OFTEN = re.compile(r"throttl|too ?many ?requests|limit ?exceeded", re.IGNORECASE)
_REFUSED = re.compile(rf"lacked the necessary privileges|\b(?:{'|'.join(sorted(_NO_ACCESS))})\b")
"""NOTE: Polars 2.1 and deltalake 1.6 hand on what an object store answers as the text of an OSError, without a code."""
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND, _TIMEOUT, _CONFLICT, _TOO_MANY, _SERVER_ERRORS = (
    401,
    403,
    404,
    408,
    409,
    429,
    500,
)


def classify(error: BaseException) -> Failure:
    """Give the failure class of an exception, and whether the same attempt may succeed later.

    A file that is gone between discovery and reading, lost connections, stores that are busy and refused commits are
    transient; a full disk and memory are resources; missing rights are configuration; everything that nobody foresaw is
    a bug. What an error of ours was raised from may say more than the error.
    """
    name, text = type(error).__name__, str(error) or type(error).__name__
    if isinstance(error, (StorageError, HookError)) and error.__cause__ is not None:
        cause = classify(error.__cause__)
        told = {"configuration", "resource"} | ({"transient"} if isinstance(error, HookError) else set())
        if cause.kind in told:
            return Failure(cause.kind, name, text, cause.retryable)
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
    if ("botocore", "ClientError") in classes:
        return _classify_answer(error, text)
    if ("botocore", "BotoCoreError") in classes:
        is_set_up = any(known in _SET_UP for _, known in classes)
        return Failure("configuration" if is_set_up else "transient", name, text, retryable=not is_set_up)
    if ("_internal", "DeltaError") in classes and name in _UNSETTLED:
        return Failure("transient", name, text, retryable=True)
    return Failure("bug", name, text)


def _classify_answer(error: BaseException, text: str) -> Failure:
    """An object store has answered, and refused."""
    name, code, status = type(error).__name__, *_answer(error)
    if code in _NO_ACCESS or code == _NO_BUCKET or status in {_UNAUTHORIZED, _FORBIDDEN}:
        return Failure("configuration", name, text)
    passes = status >= _SERVER_ERRORS or status in {_NOT_FOUND, _TIMEOUT, _CONFLICT, _TOO_MANY}
    if passes or code in _BUSY or _TOO_OFTEN.search(code):
        return Failure("transient", name, text, retryable=True)
    return Failure("configuration", name, text)


def _answer(error: BaseException) -> tuple[str, int]:
    """The code and the HTTP status of a refusal; empty and 0 where it tells none."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    return code, int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _classify_os(error: OSError, text: str) -> Failure:
    name = type(error).__name__
    if error.errno in _RESOURCE_ERRNO or _DISK_FULL in text:
        return Failure("resource", name, f"{_RESOURCE_ERRNO.get(error.errno or 0, 'disk full')}: {text}")
    if error.__cause__ is not None and hasattr(error.__cause__, "response"):  # s3fs puts answers into words of OSError
        answer = _classify_answer(error.__cause__, text)
        return Failure(answer.kind, name, text, answer.retryable)
    if isinstance(error, PermissionError) or (error.errno is None and _REFUSED.search(text)):
        return Failure("configuration", name, text)
    passing = (FileNotFoundError, ConnectionError, TimeoutError, socket.gaierror)
    transient = isinstance(error, passing) or error.errno in _TRANSIENT_ERRNO
    if transient or error.errno == errno.EIO or error.errno is None:
        return Failure("transient", name, text, retryable=True)
    return Failure("configuration", name, text)


def retry_after_s(error: BaseException, now: datetime | None = None) -> float | None:
    """How long whoever refused asks to wait, in seconds; None where nobody says.

    Looks for the header Retry-After (seconds, or a date; RFC 9110, 10.2.3) in what the error was raised from.

    >>> refused = OSError("busy")
    >>> refused.response = {"ResponseMetadata": {"HTTPHeaders": {"retry-after": "7"}}}
    >>> retry_after_s(refused)
    7.0
    """
    for one in _causes(error):
        headers = (getattr(one, "response", None) or {}).get("ResponseMetadata", {}).get("HTTPHeaders", {})
        given = next((str(value) for name, value in headers.items() if name.lower() == "retry-after"), "").strip()
        if given.isdigit():
            return float(given)
        if given:
            return _until(given, now or datetime.now(UTC))
    return None


def _until(given: str, now: datetime) -> float | None:
    """Seconds until a date as HTTP writes it; None where it is none."""
    try:
        moment = parsedate_to_datetime(given)
    except ValueError:
        return None
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def traceback_of(error: BaseException) -> str:
    """Render the traceback, causes included."""
    return "".join(traceback.format_exception(error))
