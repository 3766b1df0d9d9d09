"""Lines of JSON read by their layout, many at once: same keys in the same order, nested alike.

The first line of a layout is parsed with care and becomes a regular expression that spells out its keys, with any
scalar where one stands. A line that matches from end to end is valid JSON with just these keys, so that what was found
out about the first one (keys occur once, values have the shapes that their columns want) holds for it too, and its
values can be cut out as they stand: numbers keep their text. Any other line is left to the parser.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.core.frames import ABSENT, SOURCE_LINE
from framework.sources.json_values import is_absent, is_text, loads, path_in

if TYPE_CHECKING:
    from collections.abc import Mapping

    Path = tuple[str, ...]

LINE = "_line"
"""The text of a line."""
MAX_SCALARS = 64
"""With many more in a line, matching is slower than parsing."""
MAX_LAYOUTS = 16
GROUPS = 15
"""What the regex engine can capture in one pass over a line (16 groups, one is the line)."""
LEAST = 64
TRIES = 4

NO_OLDER: Mapping[str, tuple[Path, ...]] = MappingProxyType({})

_ESCAPED = "_escaped_"
_FITS = "_fits"
_BLANK = r"[ \t\r]*"
_STRING = r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
_SCALAR = rf"{_STRING}|-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null"


class _OtherShapeError(Exception):
    """The record is nothing for a layout: a value has another shape than its column wants, or there are too many."""


@dataclass
class _Leaves:
    """Which scalars and lists of a record are to be captured, by the path of their keys, and what they must be."""

    names: dict[Path, str] = field(default_factory=dict)
    empty: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)

    def name(self, path: Path) -> str:
        return self.names.setdefault(path, f"g{len(self.names)}")


@dataclass(frozen=True)
class Layout:
    """How lines of one kind are read.

    `patterns` match the whole line, each capturing some of the groups; `values` give the columns from what they
    captured. Groups in `empty` must be null, those in `lists` hold arrays of scalars.
    """

    patterns: tuple[str, ...]
    groups: tuple[str, ...]
    empty: frozenset[str]
    lists: frozenset[str]
    values: tuple[pl.Expr, ...]

    def read(self, lines: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        """Read the lines of this layout; gives their rows, and the lines left over."""
        captured = lines.select(SOURCE_LINE, *(pl.col(LINE).str.extract_groups(p).alias(p) for p in self.patterns))
        captured = captured.unnest(self.patterns) if self.groups else lines.with_columns(self._fits())
        known = self.groups[0] if self.groups else _FITS
        if captured[known].null_count():
            captured = captured.filter(pl.col(known).is_not_null())
        values, is_usable = self._clean(captured)
        rows = values.select(*self.values, SOURCE_LINE)
        if not is_usable.all():
            rows = rows.filter(is_usable)
        if rows.height == lines.height:
            return rows, lines.clear()
        return rows, lines.filter(~lines[SOURCE_LINE].is_in(rows[SOURCE_LINE].implode()))

    def _fits(self) -> pl.Expr:
        """True or null: whether a line has the layout, where no column wants anything of it."""
        return pl.when(pl.col(LINE).str.contains(self.patterns[0])).then(pl.lit(value=True)).alias(_FITS)

    def _clean(self, captured: pl.DataFrame) -> tuple[pl.DataFrame, pl.Series]:
        """Turn tokens into values, and say which lines can be used."""
        cleaned = captured.select(
            SOURCE_LINE,
            *(_items(name) if name in self.lists else _value(name) for name in self.groups),
            *(pl.col(name).str.contains("\\", literal=True).alias(_ESCAPED + name) for name in self.groups),
        )
        is_usable = pl.repeat(value=True, n=captured.height, eager=True)
        for name in self.groups:
            escaped = cleaned[_ESCAPED + name]
            if name in self.empty:
                is_usable &= cleaned[name].is_null()
            elif name in self.lists:
                is_usable &= ~escaped
            elif escaped.any():
                values, is_text_here = _unescaped(cleaned[name], captured[name], escaped)
                is_usable &= is_text_here
                cleaned = cleaned.with_columns(values)
        return cleaned, is_usable


def _value(name: str) -> pl.Expr:
    return pl.when(pl.col(name) != "null").then(pl.col(name).str.strip_chars('"')).alias(name)


def _items(name: str) -> pl.Expr:
    item = pl.element()
    values = pl.when(item != "null").then(item.str.strip_chars('"'))
    return pl.col(name).str.extract_all(_SCALAR).list.eval(values)


def _unescaped(values: pl.Series, tokens: pl.Series, escaped: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Put strings with escapes in their place, read by the parser; and say which are text."""
    found = json.loads(f"[{','.join(tokens.filter(escaped))}]")
    places, is_fine = escaped.arg_true(), pl.repeat(value=True, n=len(values), eager=True)
    try:
        return values.scatter(places, pl.Series(found, dtype=pl.String)), is_fine
    except UnicodeEncodeError:
        good = [is_text(text) for text in found]
        texts = pl.Series([text if fine else None for text, fine in zip(found, good, strict=True)], dtype=pl.String)
        return values.scatter(places, texts), is_fine.scatter(places, pl.Series(good, dtype=pl.Boolean))


def layout_of(
    line: str,
    columns: Mapping[str, pl.DataType],
    paths: Mapping[str, Path],
    *,
    only: frozenset[str] | None = None,
    told: Mapping[str, Path] | None = None,
    older: Mapping[str, tuple[Path, ...]] = NO_OLDER,
) -> Layout | None:
    """Make the layout of a line; None when it cannot be read, or values have other shapes than their columns want.

    `only`: the keys that a record may have; None: any. `told`: those of which is told whether it lacks them. `older`:
    where values of a column stood before; which it is, the keys say, and so the layout.
    """
    try:
        record = loads(line)
        if not isinstance(record, dict) or (only is not None and not only.issuperset(record)):
            return None
        leaves = _Leaves()
        found = {name: path_in(record, paths[name], older.get(name, ())) for name in columns}
        values = [_along(record, found[name], dtype, leaves).alias(name) for name, dtype in columns.items()]
        if told:
            absent = [pl.lit(is_absent(record, found[name])).alias(name) for name in told]
            values.append(pl.struct(absent).alias(ABSENT))
        groups = tuple(leaves.names.values())
        parts = [groups[at : at + GROUPS] for at in range(0, len(groups), GROUPS)] or [()]
        patterns = tuple(rf"\A{_BLANK}{_pattern(record, (), leaves.names, part, [])}{_BLANK}\z" for part in parts)
    except (ValueError, TypeError, RecursionError, _OtherShapeError):
        return None
    return Layout(patterns, groups, frozenset(leaves.empty), frozenset(leaves.lists), tuple(values))


def _along(record: Any, path: Path, dtype: pl.DataType, leaves: _Leaves) -> pl.Expr:
    """The value of a column, at a path of keys; where an object on the way is a scalar, it must be null."""
    found = record
    for depth, name in enumerate(path):
        if isinstance(found, list):
            raise _OtherShapeError
        if not isinstance(found, dict):
            leaves.empty.add(leaves.name(path[:depth]))
            break
        if name not in found:
            break
        found = found[name]
    else:
        return _shaped(found, dtype, path, leaves)
    return pl.lit(None, dtype=dtype)


def _shaped(value: Any, dtype: pl.DataType, path: Path, leaves: _Leaves) -> pl.Expr:
    if isinstance(value, dict) and isinstance(dtype, pl.Struct):
        fields = [
            (_shaped(value[f.name], f.dtype, (*path, f.name), leaves) if f.name in value else pl.lit(None, f.dtype))  # type: ignore[arg-type]
            .alias(f.name)
            for f in dtype.fields
        ]  # fmt: skip
        return pl.struct(fields)
    if isinstance(value, list) and dtype == pl.List(pl.String) and not any(map(_is_nested, value)):
        leaves.lists.add(leaves.name(path))
        return pl.col(leaves.name(path))
    if _is_nested(value):
        raise _OtherShapeError
    name = leaves.name(path)
    if dtype == pl.String:
        return pl.col(name)
    leaves.empty.add(name)
    return pl.lit(None, dtype=dtype)


def _is_nested(value: Any) -> bool:
    return isinstance(value, (dict, list))


def _pattern(value: Any, path: Path, names: Mapping[Path, str], part: tuple[str, ...], seen: list[Path]) -> str:
    """The regular expression of a value. Of an array, the first item speaks for all."""
    name = names.get(path)
    mark = f"?P<{name}>" if name in part else "?:"
    if isinstance(value, dict):
        inner = [_member(key, item, (*path, key), names, part, seen) for key, item in value.items()]
        return rf"\{{{_BLANK}{f',{_BLANK}'.join(inner)}\}}"
    seen.append(path)
    if len(seen) > MAX_SCALARS:
        raise _OtherShapeError
    if not isinstance(value, list):
        return f"({mark}{_SCALAR})"
    # Nothing below a nested item is wanted by a column (see `_shaped`): no path of it is among the names.
    is_nested = bool(value) and _is_nested(value[0])
    item = _pattern(value[0], (*path, ""), {}, (), seen) if is_nested else f"(?:{_SCALAR})"
    return rf"({mark}\[{_BLANK}(?:{item}{_BLANK}(?:,{_BLANK}{item}{_BLANK})*)?\])"


def _member(
    key: str, value: Any, path: Path, names: Mapping[Path, str], part: tuple[str, ...], seen: list[Path]
) -> str:
    quoted = pl.escape_regex(json.dumps(key, ensure_ascii=False))
    return f"{quoted}{_BLANK}:{_BLANK}{_pattern(value, path, names, part, seen)}{_BLANK}"


@dataclass
class Layouts:
    """The layouts met so far in the files of one source."""

    columns: Mapping[str, pl.DataType]
    paths: Mapping[str, Path]
    only: frozenset[str] | None = None
    told: Mapping[str, Path] = field(default_factory=dict)
    known: list[Layout] = field(default_factory=list)
    older: Mapping[str, tuple[Path, ...]] = field(default_factory=dict)

    def read(self, lines: pl.DataFrame) -> tuple[list[pl.DataFrame], pl.DataFrame]:
        """Read what has a layout; gives the rows, in no order, and the lines left over for the parser."""
        parts: list[pl.DataFrame] = []
        rest = lines
        for layout in self.known:
            if rest.height:
                rest = _read(layout, rest, parts)
        for attempt in range(TRIES):
            if rest.height < LEAST or len(self.known) >= MAX_LAYOUTS:
                break
            line = rest[LINE][attempt * rest.height // TRIES] or ""
            found = layout_of(line, self.columns, self.paths, only=self.only, told=self.told, older=self.older)
            if found is not None:
                before, rest = rest.height, _read(found, rest, parts)
                if before - rest.height >= LEAST:
                    self.known.append(found)
        return parts, rest


def _read(layout: Layout, lines: pl.DataFrame, parts: list[pl.DataFrame]) -> pl.DataFrame:
    try:
        rows, rest = layout.read(lines)
    except pl.exceptions.ComputeError:  # too large for the regex engine
        return lines
    parts.append(rows)
    return rest
