"""Which rows get into trouble: so many of each kind, spread over the period, and each row at most once."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

from framework.testing import Delivered, Mark, SampleRequest

BAD_SHARE = 0.02
TINY_BAD_SHARE = 0.05  # a sample of a hundred rows is not all trouble
SPECIAL_SHARES = {"late": 0.01, "duplicate_same_file": 0.004, "duplicate_resent": 0.006, "amount_corrected": 0.02}
MOST_FILES_LATER = 8

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Batch(Generic[Row]):
    """A file, and what a correct run takes from it, in order of its lines."""

    file: Delivered
    rows: tuple[Row, ...]


class Placed(NamedTuple, Generic[Row]):
    """A row in the file it comes with.

    Attributes:
        row: The row.
        kind: Its trouble, null for a plain row.
        is_moved: Whether it stands at any place of the file instead of its own.
    """

    row: Row
    kind: str | None = None
    is_moved: bool = False


def place_rows(
    request: SampleRequest, topic: str, rows: Sequence[Row], homes: Sequence[int], files: int, kinds: Sequence[str]
) -> list[list[Placed[Row]]]:
    """Give every row to its file, or to a later one where it is late, and a second copy where it comes again.

    Args:
        request: The sample asked for.
        topic: Name of the stream of random numbers.
        rows: All rows, in order.
        homes: Per row the number of its file.
        files: How many files there are.
        kinds: What rows are spoiled or special with.

    Returns:
        Per file its rows, in order.
    """
    dice = request.dice("troubles", topic)
    chosen = _choose(request, topic, len(rows), kinds)
    placed: list[list[Placed[Row]]] = [[] for _ in range(files)]
    for number, (row, home) in enumerate(zip(rows, homes, strict=True)):
        kind = chosen.get(number)
        later = [file for file in range(home + _wait(kind), home + MOST_FILES_LATER + 1) if file < files]
        if kind == "duplicate_same_file":
            placed[home] += [Placed(row), Placed(row, kind, is_moved=True)]
        elif kind not in SPECIAL_SHARES:
            placed[home].append(Placed(row, kind))
        elif not later:
            placed[home].append(Placed(row))
        else:
            placed[home] += [] if kind == "late" else [Placed(row)]
            placed[dice.choice(later)].append(Placed(row, kind, is_moved=True))
    return [_mixed(request, topic, number, found) for number, found in enumerate(placed)]


def _choose(request: SampleRequest, topic: str, count: int, kinds: Sequence[str]) -> dict[int, str]:
    """Draw the rows in trouble, evenly many of each kind of bad ones."""
    bad = [kind for kind in kinds if kind not in SPECIAL_SHARES]
    wanted = max(round(count * BAD_SHARE), min(2 * len(bad), int(count * TINY_BAD_SHARE)))
    drawn = [bad[number % len(bad)] for number in range(wanted)]
    for kind in kinds:
        drawn += [kind] * (max(1, round(count * SPECIAL_SHARES[kind])) if kind in SPECIAL_SHARES else 0)
    places = request.dice("troubled", topic).sample(range(count), min(len(drawn), count // 2))
    return dict(zip(places, drawn, strict=False))


def _wait(kind: str | None) -> int:
    """Return after how many files a row comes: what is late misses a whole day of files."""
    return 3 if kind == "late" else 1


def _mixed(request: SampleRequest, topic: str, number: int, found: list[Placed[Row]]) -> list[Placed[Row]]:
    """Put the moved rows of a file at any place behind the first."""
    dice = request.dice("places", topic, number)
    rows = [placed for placed in found if not placed.is_moved]
    for placed in found:
        if placed.is_moved:
            rows.insert(dice.randint(_after(rows, placed), len(rows)), placed)
    return rows


def _after(rows: list[Placed[Row]], placed: Placed[Row]) -> int:
    """Return the first place of a moved row: a copy stands behind its original."""
    return next((place + 1 for place, other in enumerate(rows) if other.row is placed.row), 0)


def mark_of(kind: str | None, column: str | None) -> Mark | None:
    """Return the mark of a row: what a correct run says about its kind."""
    if kind is None:
        return None
    verdicts = {"late": "late", "amount_corrected": "updated"}
    verdict = "duplicate" if kind.startswith("duplicate") else verdicts.get(kind, "quarantined")
    return Mark(kind, verdict, column=column)
