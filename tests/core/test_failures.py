"""What object stores, names and hooks say when they fail, and which of it passes by itself."""

from __future__ import annotations

import errno
import socket
from datetime import UTC, datetime

import botocore.exceptions
import pytest

from framework.core.failures import classify, retry_after_s
from framework.errors import CircuitError, HookError, StorageError


def answered(code: str, status: int, **headers: str) -> botocore.exceptions.ClientError:
    """What botocore raises where a store has refused."""
    metadata = {"HTTPStatusCode": status, "HTTPHeaders": headers}
    return botocore.exceptions.ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata}, "ListObjectsV2")


def caused(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    return error


def answer_of(error: BaseException | None) -> str:
    """The code and the status that an error, or what it comes from, tells."""
    while error is not None and not hasattr(error, "response"):
        error = error.__cause__
    return "" if error is None else str(error.response)


TRANSIENT, CONFIGURATION = ("transient", True), ("configuration", False)
RESOURCE, STEP = ("resource", False), ("step", False)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (answered("SlowDown", 503), TRANSIENT),
        (answered("ThrottlingException", 400), TRANSIENT),
        (answered("RequestLimitExceeded", 400), TRANSIENT),
        (answered("TooManyRequests", 429), TRANSIENT),
        (answered("InternalError", 500), TRANSIENT),
        (answered("NoSuchKey", 404), TRANSIENT),
        (answered("NoSuchBucket", 404), CONFIGURATION),
        (answered("AccessDenied", 403), CONFIGURATION),
        (answered("ExpiredToken", 400), CONFIGURATION),
        (answered("SignatureDoesNotMatch", 403), CONFIGURATION),
        (answered("InvalidRequest", 400), CONFIGURATION),
        (caused(OSError(errno.EBUSY, "busy"), answered("503", 503)), TRANSIENT),
        (caused(OSError(errno.EINVAL, "old"), answered("400", 400)), CONFIGURATION),
        (caused(PermissionError("no"), answered("ExpiredToken", 400)), CONFIGURATION),
        (
            caused(StorageError("cannot list"), caused(OSError(errno.EBUSY, "busy"), answered("SlowDown", 503))),
            TRANSIENT,
        ),
        (caused(StorageError("cannot list"), PermissionError("no")), CONFIGURATION),
        (caused(StorageError("cannot write"), OSError(errno.ENOSPC, "full")), RESOURCE),
        (botocore.exceptions.NoCredentialsError(), CONFIGURATION),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="http://s3"), TRANSIENT),
        (socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"), TRANSIENT),
        (PermissionError("object-store error: The operation lacked the necessary privileges"), CONFIGURATION),
        (OSError("Generic S3 error: ... 503 Service Unavailable: <Code>SlowDown</Code>"), TRANSIENT),
        (OSError("Generic S3 error: ... 400 Bad Request: <Code>ExpiredToken</Code>"), CONFIGURATION),
        (CircuitError("open"), TRANSIENT),
        (HookError("a hook raised"), STEP),
        (caused(HookError("a hook raised"), ValueError("x")), STEP),
        (caused(HookError("a hook raised"), TimeoutError("x")), TRANSIENT),
    ],
    ids=lambda value: (
        f"{value!r} of {value.__cause__!r} {answer_of(value)}" if isinstance(value, BaseException) else value[0]
    ),
)
def test_a_failure_has_the_class_of_what_it_comes_from(error, expected):
    failure = classify(error)
    assert (failure.kind, failure.retryable) == expected
    assert failure.error == type(error).__name__


NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "expected"),
    [("7", 7.0), ("Thu, 01 Jan 2026 00:00:30 GMT", 30.0), ("Wed, 31 Dec 2025 00:00:00 GMT", 0.0), ("soon", None)],
)
def test_a_store_may_say_when_to_come_back(given, expected):
    refusal = answered("SlowDown", 503, **{"retry-after": given})
    assert retry_after_s(caused(StorageError("cannot list"), refusal), NOW) == expected


def test_most_say_nothing():
    assert retry_after_s(TimeoutError()) is None
