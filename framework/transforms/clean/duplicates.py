"""Rows that probably mean the same thing: similar text within blocks (Fellegi and Sunter 1969 for the blocks).

Similarity is that of insertions and deletions: twice the longest common subsequence over the sum of both lengths, in
characters, from 0 to 1 (rapidfuzz's `Indel`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import names_of, require_columns, require_type
from framework.transforms.clean.columns import library, require_new, require_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Texts = tuple[str, ...]

WHERE = "link_duplicates"


def link_duplicates(
    rows: pl.LazyFrame,
    *,
    block: str | Sequence[str],
    compare: str | Sequence[str],
    threshold: float,
    into: str,
    key: str,
    max_block: int = 1000,
) -> pl.LazyFrame:
    """Add to each row the smallest key among the rows that it probably repeats, itself included.

    One row per row given, in the same order. Rows with equal `block` columns are compared pair by pair. Two are linked
    when each `compare` column (text, best cleaned before) is similar by at least the threshold; links are followed, so
    that a chain of similar rows is one group; `into` is the smallest key in it, whatever the order of rows. One row
    should have one key; a null key has no group and is null.

    Adds `into` and `<into>_skipped`: true where a row was not compared, because its key, a block or a compare column is
    null, a compare column is empty, or its block holds more than `max_block` distinct texts (the number of pairs grows
    with the square: narrow the block by another column). Such a row has its own key.

    Lazy. It does not stream: the columns named here are held in memory at once. Distinct texts of a block are compared
    outside Polars, some million pairs a second.

    Raises:
        TransformError: at definition, when a column is not there or of another type (keys text, integers or dates), an
            option is out of bounds, or rapidfuzz is not installed.

    >>> people = pl.LazyFrame({"id": [1, 2, 3], "name": ["jon smith", "john smith", "mary ann"], "zip": [1, 1, 1]})
    >>> options = {"block": "zip", "compare": "name", "threshold": 0.9, "key": "id", "into": "person"}
    >>> people.pipe(link_duplicates, **options).collect()["person"].to_list()
    [1, 1, 3]
    """
    blocks, compares = names_of(block), names_of(compare)
    schema = require_columns(rows, WHERE, [key, *blocks, *compares])
    skipped = f"{into}_skipped"
    require_new(schema, WHERE, [into, skipped])
    _require_sane(schema, key, blocks, compares, threshold, max_block)
    fields = {"key": key}
    fields |= {f"block {number}": name for number, name in enumerate(blocks)}
    fields |= {f"text {number}": name for number, name in enumerate(compares)}
    linked = pl.struct(pl.col(name).alias(field) for field, name in fields.items()).map_batches(
        partial(link_batch, threshold=threshold, max_block=max_block),
        return_dtype=pl.Struct({"group": schema[key], "skipped": pl.Boolean}),
    )
    spare = f"{into}\0linked"
    found = rows.with_columns(linked.alias(spare))
    group, left_out = pl.col(spare).struct.field("group"), pl.col(spare).struct.field("skipped")
    return found.with_columns(group.alias(into), left_out.alias(skipped)).drop(spare)


def link_batch(rows: pl.Series, *, threshold: float, max_block: int) -> pl.Series:
    """Give each row's group and whether it was left out; rows are structs of a key, block columns and texts."""
    frame = rows.struct.unnest()
    blocks = [name for name in frame.columns if name.startswith("block")]
    texts = [name for name in frame.columns if name.startswith("text")]
    named = pl.all_horizontal(pl.all().is_not_null(), pl.col(texts) != "")
    distinct = frame.filter(named).group_by(*blocks, *texts).agg(pl.col("key").min())
    sized = distinct.with_columns(size=pl.len().over(blocks))
    alone = sized.filter(size=1).select(*blocks, *texts, pl.col("key").alias("group"))
    several = sized.filter(pl.col("size").is_between(2, max_block)).group_by(blocks).agg("key", *texts)
    by_text = pl.concat([alone, _grouped(several, texts, threshold).select(alone.columns)])
    joined = frame.join(by_text, on=[*blocks, *texts], how="left", maintain_order="left")
    group = pl.when(pl.col("key").is_not_null()).then(pl.coalesce("group", "key"))
    skipped = pl.col("key").is_null() | pl.col("group").is_null()
    return joined.select(pl.struct(group.alias("group"), skipped.alias("skipped"))).to_series()


def _grouped(blocks: pl.DataFrame, texts: list[str], threshold: float) -> pl.DataFrame:
    """One row per text of the blocks, of which each is a row of lists: its group."""
    groups = [
        smallest_keys(keys, list(zip(*columns, strict=True)), threshold)
        for keys, *columns in blocks.select("key", *texts).iter_rows()
    ]
    return blocks.with_columns(group=pl.Series(groups, dtype=blocks.schema["key"])).explode(*texts, "group")


def smallest_keys(keys: list[Any], texts: list[Texts], threshold: float) -> list[Any]:
    """Give for each text of a block the smallest key of the texts it is linked to, directly or by others.

    >>> smallest_keys([7, 5, 6], [("ann",), ("anna",), ("bob",)], 0.8)
    [5, 5, 6]
    """
    root = list(range(len(keys)))

    def find(index: int) -> int:
        while root[index] != index:
            root[index] = root[root[index]]
            index = root[index]
        return index

    for one, other in similar_pairs(texts, threshold):
        low, high = sorted((find(one), find(other)), key=lambda index: (keys[index], index))
        root[high] = low
    return [keys[find(index)] for index in range(len(keys))]


def similar_pairs(texts: list[Texts], threshold: float) -> Iterator[tuple[int, int]]:
    """Give the pairs of places whose texts are similar in every column."""
    from rapidfuzz import process
    from rapidfuzz.distance import Indel

    first = [text[0] for text in texts]
    for one, text in enumerate(texts):
        near = process.extract_iter(
            text[0], first[one + 1 :], scorer=Indel.normalized_similarity, score_cutoff=threshold
        )
        for _, _, place in near:
            other = one + 1 + place
            rest = zip(text[1:], texts[other][1:], strict=True)
            if all(Indel.normalized_similarity(a, b) >= threshold for a, b in rest):
                yield one, other


def _require_sane(
    schema: pl.Schema, key: str, blocks: list[str], compares: list[str], threshold: float, max_block: int
) -> None:
    """Refuse columns and options that cannot be compared by."""
    library("rapidfuzz", WHERE)
    for option, names in (("block", blocks), ("compare", compares)):
        if not names:
            raise TransformError(f"{WHERE}: {option} is empty; name at least one column")
    for name in compares:
        require_text(schema, WHERE, name)
    fits = "String, an integer or Date"
    require_type(schema, WHERE, key, lambda dtype: dtype.is_integer() or dtype in {pl.String, pl.Date}, fits)
    if not 0 < threshold <= 1:
        raise TransformError(f"{WHERE}: threshold={threshold} is a similarity, expected above 0 and at most 1")
    if max_block < 2:  # noqa: PLR2004 - a pair
        raise TransformError(f"{WHERE}: max_block={max_block} compares nothing; expected at least 2")
