"""docs/reference/casts.md knows every key, every loss and every type that stands for another."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl

from framework.boundary.casts.metadata import KEYS, LOSSES
from framework.boundary.casts.text_words import FALSE_WORDS, TRUE_WORDS
from framework.lake.storable import REFUSED, WIDER

PAGE = (Path(__file__).parents[2] / "docs/reference/casts.md").read_text()


def section(title: str) -> list[list[str]]:
    """The rows of the table below a title."""
    text = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE).group(1)
    return [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| `")
    ]


def words(rows: list[list[str]], column: int = 0) -> list[str]:
    return [word for row in rows for word in re.findall(r"`([^`]+)`", row[column])]


def test_every_key_and_loss_is_in_the_reference():
    assert sorted(words(section("Keys"))) == sorted(KEYS)
    assert words(section("Allowed losses")) == ["lossy", *LOSSES]


def test_usual_words_for_true_are_those_of_the_reference():
    (row,) = [row for row in section("Keys") if "true_words" in row[0]]
    assert tuple(re.findall(r"`([^`]+)`", row[3])) == TRUE_WORDS
    assert len(FALSE_WORDS) == len(TRUE_WORDS)


def test_types_that_stand_for_others_are_those_of_the_reference():
    told: dict[str, str] = {}
    for row in section("Types that Delta cannot hold"):
        declared, stored = words([row]), re.findall(r"`([^`]+)`", row[1])
        told |= dict(
            zip(declared, stored if len(stored) == len(declared) else stored[:1] * len(declared), strict=False)
        )
    plain = {pl.Decimal(20, 0): "Decimal(20, 0)", pl.Decimal(38, 0): "Decimal(38, 0)"}
    expected = {kind.__name__: plain.get(stands, str(stands)) for kind, stands in WIDER.items()}
    assert {name: kind for name, kind in told.items() if name in expected} == expected
    assert {kind.__name__ for kind in REFUSED} - {"Unknown"} <= set(words(section("Types that Delta cannot hold")))
