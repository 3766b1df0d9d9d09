"""YAML documents: what stands for what, where everything stands, and everything that is no document."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from framework.core.yaml_document import (
    Findings,
    Mapping,
    Place,
    Sequence,
    plain,
    read_document,
    resolve_like_documents,
)
from framework.errors import DefinitionError, Problem


def read(text):
    findings = Findings()
    root = read_document(text if isinstance(text, bytes) else text.encode(), "x.yaml", findings)
    findings.settle()
    return root


def refused(text):
    with pytest.raises(DefinitionError) as caught:
        read(text)
    return [str(problem) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"),
        ("NO", "NO"),
        ("yes", "yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("12:30:00", "12:30:00"),
        ("190:20:30", "190:20:30"),
        ("2024-01-01", "2024-01-01"),
        ("2024-01-01 12:00:00", "2024-01-01 12:00:00"),
        ("007", "007"),
        ("0", 0),
        ("-12", -12),
        ("+5", 5),
        ("1_000", "1_000"),
        ("0x1F", 31),
        ("0o17", 15),
        ("0o9", "0o9"),
        ("0b11", "0b11"),
        ("1e3", 1000.0),
        ("0.5", 0.5),
        (".5", 0.5),
        ("00.5", "00.5"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        ("1.2.3", "1.2.3"),
        ("null", None),
        ("~", None),
        ("''", ""),
        ("'1'", "1"),
        ('"true"', "true"),
        ("!!str 5", "5"),
        ("!!binary YWI=", b"ab"),
        ("=", "="),
        ("none", "none"),
    ],
)
def test_text_without_quotes_stands_for(text, value):
    found = plain(read(f"- {text}"))[0]
    assert found == value
    assert type(found) is type(value)


def test_nan_is_a_number():
    assert math.isnan(plain(read("- .nan"))[0])


def test_no_text_is_nothing():
    assert plain(read("a:\nb: [1, ]")) == {"a": None, "b": [1]}


def test_keys_are_text_whatever_they_look_like():
    assert plain(read("on: 1\n2024: 2\nnull: 3\n12:30: 4\ntrue: 5")) == {
        "on": 1,
        "2024": 2,
        "null": 3,
        "12:30": 4,
        "true": 5,
    }


def test_everything_knows_its_place():
    root = read("# rates\nrates:\n  - 1\n  - name: x\n    of: [a,\n      b]\n")
    assert isinstance(root, Mapping)
    assert root.place == Place("x.yaml", 2, 1)
    rates = root.entries["rates"]
    assert isinstance(rates, Sequence)
    assert rates.place == Place("x.yaml", 3, 3)
    second = rates.items[1]
    assert isinstance(second, Mapping)
    assert (second.key_place("of"), second.entries["of"].place) == (Place("x.yaml", 5, 5), Place("x.yaml", 5, 9))
    assert second.entries["of"].items[1].place == Place("x.yaml", 6, 7)
    assert second.key_place("missing") == second.place
    assert str(second.key_place("of")) == "x.yaml:5:5"


def test_text_of_a_number_is_kept_as_it_is_written():
    assert read("- 0.50").items[0].text == "0.50"


def test_aliases_repeat_and_merges_give_way_to_what_is_said():
    text = "base: &base {a: 1, b: 2}\nother: &other {b: 3, c: 4}\none: {<<: *base, b: 5}\ntwo: {<<: [*base, *other]}\nsame: *base"
    found = plain(read(text))
    assert found["one"] == {"b": 5, "a": 1}
    assert found["two"] == {"a": 1, "b": 2, "c": 4}
    assert found["same"] == {"a": 1, "b": 2}


def test_a_key_in_quotes_merges_nothing():
    assert plain(read("'<<': 1")) == {"<<": 1}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "x.yaml:1:1: the document is empty"),
        ("# only a comment", "x.yaml:1:1: the document is empty"),
        ("a: 1\nb: 2\na: 3", "x.yaml:3:1: 'a' is given twice (first in line 1)"),
        ("a:\n  - b\n\t- c", "x.yaml:3:1: a tab stands where YAML wants blanks"),
        (b"a: \x00", "x.yaml:1:4: control character U+0000 has no place in text, it must be written '\\0'"),
        (b"a: 1\nb: x\x07", "x.yaml:2:5: control character U+0007 has no place in text"),
        (b"\xff\xfea\x00", "x.yaml:1:1: is text in UTF-16 (save it as UTF-8)"),
        (b"a: 1\nb: \xe4", "x.yaml:2:4: byte 0xe4 is no text in UTF-8 (save the file as UTF-8)"),
        ("a: 1\n---\nb: 2", "x.yaml:2:1: a second document begins here; a file holds one"),
        ("a: &a [1, *a]", "x.yaml:1:4: contains itself through an alias"),
        ("a: *b", "x.yaml:1:4: is no YAML: found undefined alias 'b'"),
        ("a: !!python/name:os.system x", "x.yaml:1:4: tag python/name:os.system is not allowed: a document holds plain data"),
        ("a: !!timestamp 2024-01-01", "x.yaml:1:4: tag timestamp is not allowed: a document holds plain data"),
        ("a: !mine 1", "x.yaml:1:4: tag !mine is not allowed: a document holds plain data"),
        ("a: !!map x", "x.yaml:1:4: tag map is not allowed: a document holds plain data"),
        ("a: !!str [x]", "x.yaml:1:4: tag str is not allowed: a document holds plain data"),
        ("a: !!int x", "x.yaml:1:4: 'x' is no int"),
        ("a: !!binary '*'", "x.yaml:1:4: '*' is no binary"),
        (f"a: {'9' * 5000}", "x.yaml:1:4: a number of 5000 characters"),
        ('a: "\\UFFFFFFFF"', "x.yaml:1:7: an escape in a text in double quotes stands for no character"),
        ("[a]: b", "x.yaml:1:1: a key must be text"),
        ("<<: 1", "x.yaml:1:5: '<<' takes in mappings (name one by its alias: <<: *name)"),
        ("a: [1, 2", "x.yaml:1:9: is no YAML: expected ',' or ']', but got '<stream end>' while parsing a flow sequence"),
        ("a: b: c", "x.yaml:1:5: is no YAML: mapping values are not allowed here"),
        ("[" * 300 + "]" * 300, "x.yaml:1:51: is no YAML: is nested deeper than 50 levels"),
        (b"#" * ((1 << 20) + 1), "x.yaml:1:1: is larger than 1 MiB, which no definition is"),
    ],
    ids=lambda value: repr(value[:30]),
)  # fmt: skip
def test_what_is_no_document_is_refused_with_its_place(text, expected):
    assert refused(text) == [expected]


def test_every_key_that_is_given_twice_is_named():
    assert refused("a: 1\nb: {c: 1, c: 2}\na: 2") == [
        "x.yaml:2:11: 'c' is given twice (first in line 2)",
        "x.yaml:3:1: 'a' is given twice (first in line 1)",
    ]


def test_problems_come_in_the_order_of_the_document():
    findings = Findings()
    for line in (10, 9, 2):
        findings.add(Place("x.yaml", line, 1), "a", f"wrong in {line}")
    with pytest.raises(DefinitionError) as caught:
        findings.settle()
    assert [p.what for p in caught.value.problems] == ["wrong in 2", "wrong in 9", "wrong in 10"]
    assert caught.value.problems[0] == Problem("x.yaml:2:1: a", "wrong in 2")


def test_aliases_that_unfold_to_more_than_a_person_writes_are_refused():
    levels = "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10))
    assert refused("a0: &a0 [x, x]\n" + levels)[0].endswith("its aliases unfold to more than 50,000 values")


def test_deep_but_human_documents_are_read():
    text = "".join(f"{'  ' * depth}k:\n" for depth in range(40)) + "  " * 40 + "end"
    found = plain(read(text))
    for _ in range(40):
        found = found["k"]
    assert found == "end"


class Dumper(yaml.SafeDumper):
    """Writes by the same resolvers as documents are read by."""


resolve_like_documents(Dumper)
TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x85\u2028\u2029\ufeff"), max_size=12)
"""Without line breaks that PyYAML (6.0) writes as they are and reads as blanks."""
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(data=st.dictionaries(TEXT.filter(lambda key: key != "<<"), DATA, max_size=4))
@example(data={"a": 1e16, "b": 1e-7, "c": "1e5", "d": "0o7"})
def test_data_that_is_dumped_by_the_same_resolvers_reads_back(data):
    text = yaml.dump(data, Dumper=Dumper, allow_unicode=True)
    assert plain(read(text)) == data


@given(content=st.binary(max_size=60) | st.text("ab:-[]{}&*!|>'\"%@`#,? \n\t0", max_size=60).map(str.encode))
def test_whatever_stands_in_a_file_is_a_document_or_a_definition_error_with_a_place(content):
    assert all(problem.where.startswith("x.yaml:") for problem in outcome(content))


def outcome(content):
    try:
        read(content)
    except DefinitionError as error:
        return error.problems
    return ()
