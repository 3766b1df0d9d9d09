"""What every test may use: the service finder and the hypothesis profiles; which tests a run draws. None waits for the
disk.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING
from unittest.mock import patch
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, settings

from tests.drawing import MARK, is_drawing, left_out, seed_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECT_TIMEOUT_S = 2.0
USUAL_PORTS = {"http": 80, "https": 443, "postgres": 5432, "postgresql": 5432}

# No deadline: one example may be the first to import Polars, or share a busy core.
# Examples are other ones in each run: a few each time find more than many now and then.
settings.register_profile("dev", deadline=None, max_examples=10, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", parent=settings.get_profile("dev"), max_examples=200, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


def pytest_configure(config: pytest.Config) -> None:
    """Make the mark known."""
    config.addinivalue_line("markers", MARK)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this run does not draw."""
    gone = set(left_out(items, seed_of(config))) if is_drawing() else set()
    if gone:
        config.hook.pytest_deselected(items=list(gone))
        items[:] = [item for item in items if item not in gone]


@pytest.fixture(scope="session", autouse=True)
def disk() -> Iterator[None]:
    """Let nobody here wait for the disk: tests kill processes, none pulls the plug.

    What is forced to the disk, and when, is held down in tests/torture/test_durability.py, whose runs have processes of
    their own.
    """
    with patch("os.fsync", os.fstat):  # which insists on a file that is open, too
        yield


@pytest.fixture(scope="session")
def require_service() -> Callable[[str, str, str], str]:
    """Find a service: `require_service("PostgreSQL", "SLUICE_TEST_POSTGRES", "postgresql://127.0.0.1:5432/test")`.

    Gives the URL of the environment variable, or else the default on the loopback. When nobody listens
    there the test is skipped; with SLUICE_REQUIRE_SERVICES=1, as in CI, it fails.
    """
    return find_service


def find_service(name: str, env: str, default: str) -> str:
    """Return the service's URL, or skip or fail the test that asks."""
    url = os.environ.get(env) or default
    problem = connection_problem(url)
    if problem is None:
        return url
    message = f"{name} is not there ({problem}): start it, or set {env} to its URL"
    if os.environ.get("SLUICE_REQUIRE_SERVICES") == "1":
        pytest.fail(message, pytrace=False)
    pytest.skip(message)


def connection_problem(url: str) -> str | None:
    """Say why nobody can be reached at a URL; None when somebody listens. Never tells the password."""
    parts = urlsplit(url)
    port = parts.port or USUAL_PORTS.get(parts.scheme)
    if parts.hostname is None or port is None:
        return "its URL names no host and port"
    try:
        socket.create_connection((parts.hostname, port), timeout=CONNECT_TIMEOUT_S).close()
    except OSError as error:
        return f"{parts.hostname}:{port}: {error.strerror or error}"
    return None
