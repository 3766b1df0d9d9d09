"""A plan for people to read and to compare: one node per line, one expression per line, columns by name."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    import polars as pl

SILENT = re.compile(r"^(FROM|PROJECT .* COLUMNS|END .*)$")
BRANCH = re.compile(r"^(LEFT PLAN|RIGHT PLAN|PLAN \d+)")
INPUT = re.compile(r"^PYTHON\[INPUT (.*)\] SCAN.*$")
SPLIT = ("SELECT", "AGGREGATE", "WITH_COLUMNS", "[")
OPENING, CLOSING = "([{", ")]}"


def plan_lines(frame: pl.LazyFrame) -> list[str]:
    """Write a plan down, the last node first. Long literals are shortened: it is for reading, not for comparing hashes.

    >>> import polars as pl
    >>> rows = pl.LazyFrame({"a": [1]}).filter(pl.col("a") > 0)
    >>> plan_lines(rows.with_columns(b=pl.col("a") + 1, c=pl.lit("x")))
    ['WITH_COLUMNS', '  (col("a") + 1).alias("b")', '  "x".alias("c")', 'FILTER col("a") > 0', 'DF ["a"]']
    """
    lines: list[str] = []
    branches: list[int] = []
    for line in frame.explain(optimized=False).splitlines():
        text, depth = line.strip(), len(line) - len(line.lstrip())
        while branches and depth <= branches[-1] and not text.startswith("["):
            branches.pop()
        margin = "  " * len(branches)
        if BRANCH.match(text):
            branches.append(depth)
        if text and not SILENT.match(text):
            lines += [margin + one for one in _parted(text)]
    return lines


def expressions_in(text: str) -> list[str]:
    """The expressions in the text of a plan, one by one.

    >>> expressions_in('SELECT [col("a"), (col("b") + 1).alias("c")]')
    ['col("a")', '(col("b") + 1).alias("c")']
    """
    lines = (line.strip() for line in text.replace("[\n", "[").splitlines())
    parts = [one.strip() for line in lines if not line.startswith("DF [") for one in _parted(line)]
    return [one.removeprefix("FILTER ") for one in parts if "(" in one]


def _parted(text: str) -> Iterator[str]:
    """A line of a plan, with each of its expressions on a line of its own."""
    if text.startswith("DF ["):
        yield text.partition(";")[0]
        return
    if not text.startswith(SPLIT):
        yield INPUT.sub(r"input \1", text).rstrip(":")
        return
    head, bracket, rest = text.partition("[") if text.startswith(("SELECT", "[")) else (text, "", "")
    if head.strip():
        yield head.strip().rstrip(":")
    if bracket:
        inner, tail = _closed(rest)
        yield from (f"  {one}" for one in inner)
        if tail:
            yield f"  {tail}"


def _closed(text: str) -> tuple[list[str], str]:
    """The parts between commas up to the bracket that closes, and what follows it."""
    parts: list[str] = []
    start, depth, quoted = 0, 0, False
    for at, char in enumerate(text):
        if char == '"' and (at == 0 or text[at - 1] != "\\"):
            quoted = not quoted
        elif quoted:
            continue
        elif char in OPENING:
            depth += 1
        elif char in CLOSING:
            if depth == 0:
                return [*parts, text[start:at].strip()], text[at + 1 :].strip()
            depth -= 1
        elif char == "," and depth == 0:
            parts.append(text[start:at].strip())
            start = at + 1
    return [*parts, text[start:].strip()], ""
