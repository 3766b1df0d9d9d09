"""A look at all bytes of a plain CSV file before it is scanned: how many lines it has, and which are odd."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from framework.sources.csv_lines import Form, parse_lines
from framework.sources.csv_suspects import count_lines, find_suspects, is_utf8, split_lines
from framework.sources.text import BLOCK, blocks, bom, is_compressed, with_last

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from framework.sources.text import Block

FEW = 0.02
"""More odd lines than this share (of any block) make the file one that is read in blocks."""
ALWAYS_FEW = 20


@dataclass(frozen=True)
class Survey:
    """A plain file: each of its lines is a row as it stands, but for a few odd ones, which are parsed already.

    `lines` counts the lines below the header, `odd` are those of them (from 0) that `rows` were made of.
    """

    lines: int
    odd: tuple[int, ...] = ()
    rows: pl.DataFrame | None = None
    is_text: bool = True


def survey(
    path: Path, columns: Sequence[str], delimiter: str, empty_texts: frozenset[str] = frozenset()
) -> Survey | None:
    """Look at a file; None when it is not plain: compressed, not in UTF-8, of other line ends, or mostly quoted.

    Args:
        path: A local file.
        columns: The header's names, and one for what stands beyond them.
        delimiter: One ASCII character.
        empty_texts: The columns in which a quoted empty field is a text.

    Raises:
        UnreadableTextError: when one line is too long.
    """
    with path.open("rb", buffering=0) as file:
        head = file.read(BLOCK)
        if is_compressed(head) or (bom(head) or (b"", "utf-8"))[1] != "utf-8" or (b"\r" in head and b"\n" not in head):
            return None
        file.seek(0)
        return _survey(blocks(file), columns, delimiter, empty_texts)


def _survey(
    found: Iterable[Block], columns: Sequence[str], delimiter: str, empty_texts: frozenset[str]
) -> Survey | None:
    count, rest, is_text = 0, b"", True
    odd: list[int] = []
    frames: list[pl.DataFrame] = []
    for block, is_last in with_last(found):
        content = rest + (block.content if block.first_line > 1 else block.content.partition(b"\n")[2])
        suspects = find_suspects(content, len(columns) - 1, delimiter, quotes=False)
        lines = split_lines(content) if suspects else ()
        if len(suspects) > max(FEW * len(lines), ALWAYS_FEW):
            return None
        if not suspects:
            count, rest = count + count_lines(content), b""
            continue
        form = Form(tuple(columns), delimiter, empty_texts)
        parsed = parse_lines(lines, 2 + count, form, at=suspects, is_last=is_last)
        is_text = is_text and all(is_utf8(lines[n]) for n in parsed.taken)
        odd.extend(count + n for n in sorted(parsed.taken))
        frames.append(parsed.rows)
        count += parsed.end
        rest = b"".join(line + b"\n" for line in lines[parsed.end :])
    return Survey(count, tuple(odd), pl.concat(frames) if frames else None, is_text)
