"""The language in which pipelines are selected."""

from __future__ import annotations

import pandera.polars as pa
import pytest

from framework.definition import Pipeline, table
from framework.definition.selection import select
from framework.errors import DefinitionError, SelectionError
from framework.sources import csv_files, delta_table


class Row(pa.DataFrameModel):
    id: int


def made(name: str, *reads: str, **labels: object) -> Pipeline:
    tables = {f"rows_{n}": delta_table(one, schema=Row) for n, one in enumerate(reads)}
    sources = tables or {"rows_0": csv_files("*.csv", schema=Row)}
    outputs = [table(f"{name.replace('.', '/')}_{n}", of=source) for n, source in enumerate(sources)]
    return Pipeline(name, sources=sources, outputs=outputs, **labels)


#   raw.a -> mid.a -> end.a        raw.b -> mid.b -> end.a        raw.b -> end.b
PIPELINES = {
    p.name: p
    for p in (
        made("raw.a", tags="nightly"),
        made("raw.b", tags=["nightly", "costly"], owner="finance"),
        made("mid.a", "raw/a_0"),
        made("mid.b", "raw/b_0", owner="data@example.org"),
        made("end.a", "mid/a_0", "mid/b_0", tags="costly"),
        made("end.b", "raw/b_0"),
    )
}
EVERY = "end.a end.b mid.a mid.b raw.a raw.b"


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        ("", EVERY),
        ("raw.a", "raw.a"),
        ("raw", "raw.a raw.b"),
        ("*.a", "end.a mid.a raw.a"),
        ("[rm]*.b", "mid.b raw.b"),
        ("raw.a end.b", "end.b raw.a"),
        ("tag:nightly", "raw.a raw.b"),
        ("tag:*", "end.a raw.a raw.b"),
        ("owner:finance", "raw.b"),
        ("table:mid/*", "mid.a mid.b"),
        ("table:end/a_1", "end.a"),
        ("reads:raw/b_0", "end.b mid.b"),
        ("+end.a", "end.a mid.a mid.b raw.a raw.b"),
        ("1+end.a", "end.a mid.a mid.b"),
        ("0+end.a", "end.a"),
        ("raw.b+", "end.a end.b mid.b raw.b"),
        ("raw.b+1", "end.b mid.b raw.b"),
        ("+mid.b+", "end.a mid.b raw.b"),
        ("1+mid.b+0", "mid.b raw.b"),
        ("@mid.a", "end.a mid.a mid.b raw.a raw.b"),
        ("@raw.b", "end.a end.b mid.a mid.b raw.a raw.b"),
        ("tag:nightly,tag:costly", "raw.b"),
        ("+end.a,raw", "raw.a raw.b"),
        ("tag:nightly+1", "end.b mid.a mid.b raw.a raw.b"),
        ("!raw", "end.a end.b mid.a mid.b"),
        ("!raw.b+ !raw.a", "mid.a"),
        ("+end.a !tag:nightly,owner:finance", "end.a mid.a mid.b raw.a"),
    ],
)
def test_terms_mean_pipelines(terms, expected):
    found = [pipeline.name for pipeline in select(PIPELINES, terms.split())]
    assert sorted(found) == expected.split()
    places = {name: number for number, name in enumerate(found)}
    before = [("raw.a", "mid.a"), ("raw.b", "mid.b"), ("mid.a", "end.a"), ("mid.b", "end.a"), ("raw.b", "end.b")]
    assert all(places[one] < places[other] for one, other in before if one in places and other in places)


@pytest.mark.parametrize(
    ("terms", "text"),
    [
        ("rav.a", "no pipeline is called 'rav.a'; did you mean 'raw.a' or 'raw.b'?"),
        ("x*", "no pipeline is called 'x*'; known: end, end.a, end.b, mid, mid.a, mid.b, raw, raw.a, raw.b"),
        ("tag:nightli", "no pipeline has the tag 'nightli'; did you mean 'nightly'?"),
        ("owner:me", "no pipeline has the owner 'me'; known: data@example.org, finance"),
        ("tags:nightly", "'tags:nightly': there is no way to select by 'tags'; did you mean 'tag'?"),
        ("raw,mid", "'raw,mid' means no pipeline: none is meant by all of raw, mid"),
        ("raw !raw.b !raw.a", "nothing is left of raw without raw.b raw.a"),
        ("!end !mid !raw", "nothing is left of all pipelines without end mid raw"),
        ("!rav", "no pipeline is called 'rav'; did you mean 'raw'?"),
    ],
)
def test_what_means_nothing_is_told_with_the_nearest(terms, text):
    with pytest.raises(SelectionError) as caught:
        select(PIPELINES, terms.split())
    assert str(caught.value) == text


@pytest.mark.parametrize("term", ["", "+", "raw++", "@+raw", "raw+x", "raw,,mid", "raw@", "--raw.a+2+"])
def test_what_cannot_be_read_is_said(term):
    with pytest.raises(SelectionError, match=r"cannot be read as a selection; expected a name|no pipeline is called"):
        select(PIPELINES, [term])


def test_labels_that_nobody_could_select_by_are_problems_of_the_definition():
    with pytest.raises(DefinitionError) as caught:
        made("raw.a", tags=["a,b", "+"], owner="!")
    assert [str(problem) for problem in caught.value.problems] == [
        "raw.a: tag 'a,b' cannot be selected by (use letters, digits and . _ @ - /)",
        "raw.a: tag '+' cannot be selected by (use letters, digits and . _ @ - /)",
        "raw.a: owner '!' cannot be selected by (use letters, digits and . _ @ - /)",
    ]
