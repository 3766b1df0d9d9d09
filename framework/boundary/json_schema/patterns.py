r"""Regular expressions between ECMA 262 (JSON Schema) and Rust (Polars), so that the same texts match.

Classes are spelled out, since `\d` is ten digits there and every decimal digit of Unicode here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

BLANKS = r"\t\n\v\f\r \u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
ECMA_BLANKS = rf"{BLANKS}\ufeff"
RUST_BLANKS = rf"{BLANKS}\u0085"
RUST_WORD = r"\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}"
SYNTAX = frozenset("^$\\.*+?()[]{}|/")

_ESCAPES = (
    r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\[ux]\{[0-9a-fA-F]+\}|\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\c[A-Za-z]"
    r"|\\[pP](?:\{[^}]*\}|[A-Za-z])|\\k<[^>]*>|\\b\{[^}]*\}|\\[1-9][0-9]*|\\.|\\$"
)
_OUTSIDE = re.compile(
    rf"{_ESCAPES}|\(\?(?:P?<[A-Za-z_]\w*>|<[=!]|[=!:]|[^):]*[):]?)|\{{[0-9]+(?:,[0-9]*)?\}}|\[\^?|.", re.DOTALL
)
_WITHIN = re.compile(rf"{_ESCAPES}|.", re.DOTALL)
ECMA_CLASSES = {
    r"\d": "0-9",
    r"\w": "A-Za-z0-9_",
    r"\s": ECMA_BLANKS,
    ".": r"^\n\r\u2028\u2029",
}
RUST_CLASSES = {
    r"\d": r"\p{Nd}",
    r"\w": RUST_WORD,
    r"\s": RUST_BLANKS,
    ".": r"^\n",
}


class PatternError(Exception):
    """A regular expression has no equal in the other dialect; says why."""


@dataclass(frozen=True)
class _Dialect:
    """How the pieces of one dialect are written in the other: outside of classes, and within them."""

    classes: dict[str, str]
    doubled: str
    outside: Callable[[str], str]
    within: Callable[[str], str]


def to_rust(pattern: str) -> str:
    r"""Give an ECMA 262 pattern as Polars reads it.

    Raises:
        PatternError: when it looks around or back, or is no ECMA 262 pattern.

    >>> to_rust(r"^\d{3}-\w")
    '^[0-9]{3}-[A-Za-z0-9_]'
    """
    found = _translated(pattern, _Dialect(ECMA_CLASSES, "", _rust_outside, _rust_within))
    try:
        pl.Series([""]).str.contains(found)
    except pl.exceptions.ComputeError as error:
        why = next((line for line in str(error).splitlines() if line.startswith("error: ")), "error: it is no pattern")
        raise PatternError(why.removeprefix("error: ")) from error
    return found


def to_ecma(pattern: str) -> str:
    r"""Give a pattern of Polars as ECMA 262 reads it.

    Raises:
        PatternError: when it uses what ECMA 262 does not have, such as flags.

    >>> to_ecma(r"^TXN\d{3}\z")
    '^TXN[\\p{Nd}]{3}$'
    """
    return _translated(pattern, _Dialect(RUST_CLASSES, "&~", _ecma_outside, _ecma_within))


def _translated(pattern: str, dialect: _Dialect) -> str:
    parts: list[str] = []
    at, previous, is_class = 0, "", False
    while found := (_WITHIN if is_class else _OUTSIDE).match(pattern, at):
        piece, at = found[0], found.end()
        if not is_class:
            is_class = piece in {"[", "[^"}
            parts.append(piece if is_class else _outside(piece, dialect))
            previous = ""
        elif piece != "]":
            parts.append(_within(piece, previous, dialect))
            previous = piece
        elif not previous:
            raise PatternError("a class with nothing in it, or a bare ] at its start")
        else:
            is_class = False
            parts.append(piece)
    return "".join(parts)


def _outside(piece: str, dialect: _Dialect) -> str:
    if piece in dialect.classes:
        return f"[{dialect.classes[piece]}]"
    if piece.lower() in dialect.classes:  # \D is what \d is not
        return f"[^{dialect.classes[piece.lower()]}]"
    if piece.startswith((r"\b{", r"\<", r"\>")):
        raise PatternError(f"`{piece}` is a boundary that ECMA 262 does not have")
    return dialect.outside(piece)


def _within(piece: str, previous: str, dialect: _Dialect) -> str:
    if piece == previous == "-":
        raise PatternError(r"two hyphens in a class; write \-")
    if piece == previous and piece in dialect.doubled:
        raise PatternError(f"`{piece}{piece}` in a class is not known to ECMA 262")
    if piece in dialect.classes and piece != ".":
        return dialect.classes[piece]
    return dialect.within(piece)


def _is_group(piece: str) -> bool:
    return piece == "(?:" or (piece.startswith("(?<") and piece[3] not in "=!")


def _rust_outside(piece: str) -> str:
    if piece.startswith("(?") and not _is_group(piece):
        if piece in {"(?=", "(?!", "(?<=", "(?<!"}:
            raise PatternError(f"look-around (`{piece}`) cannot be held while rows stream")
        raise PatternError(f"`{piece}` is no ECMA 262")
    if piece in {r"\b", r"\B"}:
        return rf"(?-u:{piece})"
    return _rust_escape(piece)


def _rust_within(piece: str) -> str:
    if piece in {r"\D", r"\W", r"\S"}:
        return f"[^{ECMA_CLASSES[piece.lower()]}]"
    if piece == r"\b":
        return r"\x08"
    return rf"\{piece}" if piece[0] in "[&~" else _rust_escape(piece)


def _rust_escape(piece: str) -> str:
    if len(piece) == 12:  # noqa: PLR2004 - a surrogate pair: two times \uXXXX
        high, low = int(piece[2:6], 16), int(piece[8:], 16)
        return rf"\u{{{(high - 0xD800) * 0x400 + low - 0xDC00 + 0x10000:x}}}"
    if piece.startswith(r"\c"):
        return rf"\x{ord(piece[2]) % 32:02x}"
    if piece == r"\0":
        return r"\x00"
    if piece.startswith(r"\k") or re.fullmatch(r"\\[1-9][0-9]*", piece):
        raise PatternError("it refers back to a group, which cannot be held while rows stream")
    if re.fullmatch(r"\\[A-Za-z]", piece) and piece[1] not in "nrtfv":
        raise PatternError(f"`{piece}` is no ECMA 262; write ^ and $ for the ends of a text")
    return piece


def _ecma_outside(piece: str) -> str:
    if piece.startswith("(?P<"):
        return f"(?<{piece[4:]}"
    if piece.startswith("(?") and not _is_group(piece):
        raise PatternError(f"`{piece}` is a flag that ECMA 262 does not have")
    if piece in {r"\b", r"\B"}:
        raise PatternError(f"`{piece}` knows other letters in ECMA 262")
    if piece in {r"\A", r"\z"}:
        return "^" if piece == r"\A" else "$"
    return rf"\{piece}" if piece in {"]", "}", "/"} else _ecma_escape(piece)


def _ecma_within(piece: str) -> str:
    if piece in {r"\D", r"\W", r"\S", "["}:
        raise PatternError("classes within classes are not known to ECMA 262")
    return piece if piece == r"\-" else _ecma_escape(piece)


def _ecma_escape(piece: str) -> str:
    if piece.startswith((r"\x{", r"\u{")):
        return rf"\u{piece[2:]}"
    if piece == r"\a":
        return r"\x07"
    if re.fullmatch(r"\\[pP][A-Za-z]", piece):
        return f"{piece[:2]}{{{piece[2]}}}"
    if len(piece) == 2 and piece[0] == "\\" and piece[1] not in SYNTAX and not piece[1].isalnum():  # noqa: PLR2004
        return piece[1]
    if re.fullmatch(r"\\[A-Za-z]", piece) and piece[1] not in "nrtfv":
        raise PatternError(f"`{piece}` is not known to ECMA 262")
    return piece
