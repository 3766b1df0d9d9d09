"""Pins: bands that an operator fixed, kept beside the history as one small file per table."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

from framework.core.quality import Expectation
from framework.quality.history import FOLDER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from framework.storage import StorageLocation

SCHEMA_VERSION = 1


def path_of(table: str) -> str:
    """Where a table's pins are kept in the lake."""
    return f"{FOLDER}/_pins/{table}.json"


def read_pins(lake: StorageLocation, table: str) -> list[Expectation]:
    """The pins of a table, none where nobody pinned anything.

    Raises:
        StorageError: when they cannot be read.
    """
    content = lake.read(path_of(table))
    if content is None:
        return []
    known = {field.name for field in fields(Expectation)}
    return [Expectation(**{n: v for n, v in pin.items() if n in known}) for pin in json.loads(content)["pins"]]


def write_pins(lake: StorageLocation, table: str, pins: Sequence[Expectation]) -> None:
    """Keep the pins of a table, in place of those before.

    Raises:
        StorageError: when they cannot be written.
    """
    document = {"schema_version": SCHEMA_VERSION, "table": table, "pins": [pin.to_dict() for pin in pins]}
    with lake.replace(path_of(table)) as file:
        file.write(json.dumps(document, indent=1, ensure_ascii=False).encode())


def with_pin(pins: Sequence[Expectation], pin: Expectation) -> list[Expectation]:
    """Pin a band in place of that of the same metric and column.

    >>> [pin.high for pin in with_pin([Expectation("rows", high=5.0)], Expectation("rows", high=9.0))]
    [9.0]
    """
    return [*without_pin(pins, pin.metric, pin.column), pin]


def without_pin(pins: Sequence[Expectation], metric: str, column: str) -> list[Expectation]:
    """Take the pin of a metric and column away."""
    return [pin for pin in pins if pin.key != (metric, column)]
