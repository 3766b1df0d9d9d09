"""Traffic of machines, told by the agent they name."""

from __future__ import annotations

from importlib.resources import files
from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_absent, require_columns, require_type

if TYPE_CHECKING:
    from collections.abc import Sequence

EXCEPT = "!"
"""Before a pattern: what is no sign of a machine although it holds one."""


def read_patterns(text: str) -> tuple[str, ...]:
    r"""Read a list of patterns: one a line; blank lines and comments count for nothing.

    >>> read_patterns("# crawlers\nbot\n\n!cubot\n")
    ('bot', '!cubot')
    """
    lines = (line.strip() for line in text.splitlines())
    return tuple(line for line in lines if line and not line.startswith("#"))


BOT_AGENTS = read_patterns(files(__package__).joinpath("bot_agents.txt").read_text(encoding="utf-8"))
"""The patterns of `bot_agents.txt`, beside this module."""


def mark_bots(
    rows: pl.LazyFrame,
    agent: str,
    *,
    patterns: Sequence[str] = BOT_AGENTS,
    missing: bool | None = False,
    into: str = "is_bot",
) -> pl.LazyFrame:
    """Mark the rows whose user agent names a crawler, a library, a monitor or a headless browser.

    One row per row given, in the same order. Lazy, streaming. A pattern is found anywhere in the agent, upper and lower
    case of ASCII letters alike; all are looked for in one pass (Aho and Corasick, 1975). One with `!` before it is
    taken out of the agent first: `!cubot` keeps that telephone from counting as a bot. `missing` is the mark of a null
    or blank agent: by default nothing is held against it. Agents are claims: a machine that names a browser is found
    by `mark_bursts`, if at all. Adds `into`.

    Raises:
        TransformError: at definition, when a column is not there or no text, or no pattern (or an empty one) is given.

    >>> agents = ["Mozilla/5.0 (compatible; Googlebot/2.1)", "curl/8.5.0", "Mozilla/5.0 (Linux; CUBOT X30)", None]
    >>> pl.LazyFrame({"agent": agents}).pipe(mark_bots, "agent").collect()["is_bot"].to_list()
    [True, True, False, False]
    """
    schema = require_columns(rows, "mark_bots", [agent])
    require_type(schema, "mark_bots", agent, lambda t: isinstance(t, pl.String), "String")
    require_absent(schema, "mark_bots", [into])
    signs = [pattern for pattern in patterns if not pattern.startswith(EXCEPT)]
    excepted = [pattern.removeprefix(EXCEPT) for pattern in patterns if pattern.startswith(EXCEPT)]
    if isinstance(patterns, str) or not signs or not all(word.strip() for word in [*signs, *excepted]):
        raise TransformError(
            "mark_bots: patterns must be a list of texts, none of them empty, such as ['bot', 'curl/']"
        )
    text = pl.col(agent)
    if excepted:
        text = text.str.replace_many(excepted, [" "] * len(excepted), ascii_case_insensitive=True)
    found = text.str.contains_any(signs, ascii_case_insensitive=True)
    blank = pl.col(agent).str.strip_chars().fill_null("") == ""
    mark = pl.when(blank).then(pl.lit(missing, pl.Boolean)).otherwise(found)
    return rows.with_columns(mark.alias(into))
