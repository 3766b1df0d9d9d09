"""Reading a schema: what each key becomes, and everything that can be wrong with a document, each with its place."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

import re
import textwrap

import pandera.polars as pa
import polars as pl
import pytest

from framework.errors import DefinitionError
from tests.boundary.checking import hold
from tests.boundary.yaml_schema.telling import demands, read

HEAD = "schema: Sale\ncolumns:\n  a: int\n"


def problems(text):
    with pytest.raises(DefinitionError) as caught:
        read(textwrap.dedent(text))
    return [str(problem) for problem in caught.value.problems]


def test_short_and_full_names_say_the_same():
    written = """\
        schema: Sale
        columns:
          price: {type: float, %s: 0, %s: 9, %s: [1, 8]}
          code: {type: str, str_matches: "^a", %s: [ab, ac], nullable: true}
    """
    short = read(textwrap.dedent(written % ("ge", "lt", "between", "isin")))
    full = read(textwrap.dedent(written % ("greater_than_or_equal_to", "less_than", "in_range", "isin")))
    assert demands(short) == demands(full)


def test_the_document_says_what_a_model_in_python_says():
    class Sale(pa.DataFrameModel):
        """One row per sale."""

        id: str = pa.Field(str_matches="TXN[0-9]{3,}$", unique=True)
        price: pl.Decimal(12, 4) = pa.Field(ge=0, description="net of tax")
        email: str = pa.Field(nullable=True, metadata={"sensitive": True, "null_tokens": ["", "n/a"]})
        kind: pl.Enum(["a", "b"]) = pa.Field(default="a", ne="b")
        at: pl.Datetime("us", "UTC") = pa.Field(required=False, metadata={"formats": "%Y", "zone": "Europe/Berlin"})

        class Config:
            strict = "filter"
            ordered = True
            unique = ["id", "price"]  # noqa: RUF012 - Pandera's form

    text = """\
        schema: Sale
        description: One row per sale.
        strict: filter
        ordered: true
        unique: [id, price]
        columns:
          id: {type: str, str_matches: "TXN[0-9]{3,}$", unique: true}
          price: {type: "decimal(12, 4)", ge: 0, description: net of tax}
          email: {type: str, nullable: true, sensitive: true, null_tokens: ["", "n/a"]}
          kind: {type: "enum[a, b]", default: a, ne: b}
          at: {type: "datetime[us, UTC]", required: false, formats: "%Y-%m-%d %H:%M", zone: Europe/Berlin}
    """
    Sale.at  # noqa: B018 - declared
    fields = {**Sale.to_schema().columns}
    fields["at"].metadata["formats"] = "%Y-%m-%d %H:%M"
    assert demands(read(textwrap.dedent(text))) == demands(Sale)


def test_a_built_in_check_may_have_its_own_name_but_not_that_of_another():
    text = "schema: S\ncolumns:\n  a: {type: int, ge: {value: 0, name: %s}}\n"
    assert read(text % "greater_than_or_equal_to").columns["a"].checks[0].name == "greater_than_or_equal_to"
    assert problems(text % "greater_than") == [
        "schemas/sale.yaml:3:22: columns.a.ge: 'greater_than' is the name of a built-in check; choose another"
    ]


def test_a_rule_may_judge_several_columns():
    schema = read(
        "schema: S\ncolumns: {a: int, b: float, c: str}\nrules:\n  - {column: [a, b], ge: 0}\n  - {column: [a, b], name: r, holds: a < b}\n"
    )
    assert [[str(check.name) for check in column.checks] for column in schema.columns.values()] == [
        ["greater_than_or_equal_to", "r"],
        ["greater_than_or_equal_to", "r"],
        [],
    ]


def test_a_rule_of_several_columns_is_read_in_the_type_of_each():
    text = "schema: S\ncolumns: {a: int, b: str, c: date}\nrules:\n  - {column: [a, b, c], ge: 0}\n  - {column: [a, b], name: x, holds: a >}\n"
    assert problems(text) == [
        'schemas/sale.yaml:4:29: rules[0].ge: 0 is a number, not text; write "0" for type str',
        "schemas/sale.yaml:4:29: rules[0].ge: 0 is no value of type date; write it like 2024-12-31",
        "schemas/sale.yaml:5:38: rules[1].holds: is no expression in SQL: unable to parse 'a >' as Expr",
    ]


def test_anchors_save_repetition():
    schema = read(
        "schema: S\ncolumns:\n  a: &amount {type: 'decimal(9, 2)', ge: 0}\n  b: *amount\n  c: {<<: *amount, nullable: true}\n"
    )
    assert [(str(c.dtype), c.nullable, len(c.checks)) for c in schema.columns.values()] == [
        ("Decimal(precision=9, scale=2)", False, 1),
        ("Decimal(precision=9, scale=2)", False, 1),
        ("Decimal(precision=9, scale=2)", True, 1),
    ]


@pytest.mark.parametrize(
    ("sql", "passed"),
    [
        ("a <= b", [1, 4]),
        ("a < 2.5", [1, 2, 4]),
        ("a IN (1, 5)", [1, 3, 4]),
        ("CASE WHEN c = 'x' THEN a < b END", [1, 2, 3, 4]),
        ("c LIKE 'x%' OR a > 4", [1, 3, 4]),
        ("a > 0.5 * AVG(a) OVER ()", [2, 3]),
        ("COUNT(*) OVER (PARTITION BY c) = 1", [1, 2]),
        ("ABS(a - b) <= 1.5 AND a / 2 < 2", [1, 2, 4]),
        ("a = MAX(a)", [3]),
    ],
)
def test_rows_are_held_against_a_rule_in_sql(sql, passed):
    from framework.boundary.yaml_schema.model import as_model

    text = f"schema: S\ncolumns: {{a: int, b: int, c: str}}\nrules:\n  - name: r\n    holds: {sql}\n"
    rows = pl.DataFrame({"a": [1, 2, 5, 1], "b": [2, 1, 4, 1], "c": ["x", "y", "z", "z"]})
    if "x%" in sql:
        rows = rows.with_columns(c=pl.Series(["x", "y", "xz", "x"]))
    if "CASE" in sql:
        rows = rows.with_columns(b=pl.Series([2, 3, 6, 1]))
    assert hold(as_model(read(text)), rows).passed == passed


def test_all_problems_of_a_document_are_told_at_once():
    text = """\
        schema: Sale
        strct: true
        ordered: maybe
        unique: [x]
        columns:
          a: {tpye: str, ge: x}
          b: {type: decimal(12, 4), ge: 0}
          c: {type: int, ge: 0.5, raise_warning: true}
          d: {type: date, str_matches: "(", formats: "%d"}
          e: {type: str, str_matches: "(?=x)", default: 5}
          a: int
        rules:
          - {name: x, holds: a >}
          - {name: y, column: cc, holds: c > 1}
    """
    assert problems(text) == [
        "schemas/sale.yaml:2:1: strct: this key is not known (did you mean 'strict'?)",
        "schemas/sale.yaml:3:10: ordered: must be true or false, got 'maybe'",
        "schemas/sale.yaml:6:6: columns.a: has no type (write type: str, say)",
        "schemas/sale.yaml:6:7: columns.a.tpye: this key is not known (did you mean 'type'?)",
        "schemas/sale.yaml:7:13: columns.b.type: 'decimal(12' is no type: expected ',', got its end (put it in quotes: within braces a comma ends it)",
        "schemas/sale.yaml:7:25: columns.b.4): this key is not known (known: ambiguous, between, checks, coerce, currency, decimal_comma, default, description, encoding, eq)",
        "schemas/sale.yaml:8:22: columns.c.ge: 0.5 is no value of type int; a number of another type says so: {value: 0.5, as: float}",
        "schemas/sale.yaml:8:27: columns.c.raise_warning: this key is not known (say severity: warning)",
        "schemas/sale.yaml:9:3: columns.d: format '%d' does not give a whole date (name all of its parts)",
        "schemas/sale.yaml:9:32: columns.d.str_matches: is no pattern: missing ), unterminated subpattern at position 0",
        "schemas/sale.yaml:10:31: columns.e.str_matches: pattern '^(?:(?=x))' cannot be used: look-around, including look-ahead and look-behind, is not supported",
        'schemas/sale.yaml:10:49: columns.e.default: 5 is a number, not text; write "5" for type str',
        "schemas/sale.yaml:11:3: 'a' is given twice (first in line 6)",
        "schemas/sale.yaml:13:22: rules[0].holds: is no expression in SQL: unable to parse 'a >' as Expr",
        "schemas/sale.yaml:14:23: rules[1].column: 'cc' is no column of the schema (did you mean 'c'?)",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("5", ["schemas/sale.yaml:1:1: a schema is a mapping with schema and columns, got the number 5"]),
        ("- a", ["schemas/sale.yaml:1:1: a schema is a mapping with schema and columns, got a list"]),
        ("description: x", [
            "schemas/sale.yaml:1:1: columns: is missing (write columns: at the top)",
            "schemas/sale.yaml:1:1: schema: is missing (write schema: at the top)",
        ]),
        ("schema: 5\ncolumns: {a: int}", ['schemas/sale.yaml:1:9: schema: must be text, got the number 5, write "5"']),
        ("schema: S\ncolumns: {}", ["schemas/sale.yaml:2:10: columns: must map names to columns, got a mapping"]),
        ("schema: S\ncolumns: [a]", ["schemas/sale.yaml:2:10: columns: must map names to columns, got a list"]),
        ("schema: S\nunique: [b]\ncolumns: {a: int}", ["schemas/sale.yaml:2:9: unique: `unique` names 'b', which is no column (known: a)"]),
        ("schema: S\nstrict: filtr\ncolumns: {a: int}", ["schemas/sale.yaml:2:9: strict: must be true, false or filter, got 'filtr'"]),
        ("schema: S\nmetadata: x\ncolumns: {a: int}", ["schemas/sale.yaml:2:11: metadata: must be a mapping, got 'x'"]),
        ("schema: S\nname: T\ncolumns: {a: int}", ["schemas/sale.yaml:2:1: name: this key is not known (say schema)"]),
        (HEAD + "rules: x", ["schemas/sale.yaml:4:8: rules: must be a list, got 'x'"]),
        (HEAD + "rules: [5]", ["schemas/sale.yaml:4:9: rules[0]: must be a mapping, got the number 5"]),
        (HEAD + "rules: [{name: x}]", ["schemas/sale.yaml:4:9: rules[0]: says neither holds nor python (say one: holds: <SQL>, or python: module:function)"]),
        (HEAD + "rules: [{holds: a > 1}]", ["schemas/sale.yaml:4:9: rules[0]: has no name (budgets and messages call it by one)"]),
        (HEAD + "rules: [{name: isin, holds: a > 1}]", ["schemas/sale.yaml:4:29: rules[0].holds: 'isin' is the name of a built-in check; choose another"]),
        (HEAD + "rules: [{name: x, holds: a > 1, arguments: {b: 1}}]", ["schemas/sale.yaml:4:33: rules[0].arguments: this key is not known"]),
        (HEAD + "rules: [{name: x, holds: aa > 1}]", ["schemas/sale.yaml:4:26: rules[0]: it looks at column 'aa', which the schema does not have; did you mean 'a'?"]),
        (HEAD + "rules: [{name: x, holds: a + 1}]", ["schemas/sale.yaml:4:26: rules[0]: it answers with Int64, not with true or false"]),
        (HEAD + "rules: [{name: x, holds: NOW() > a}]", ["schemas/sale.yaml:4:26: rules[0]: NOW is another time at every look; compare with run_time() in Python and refer to that by `python:`"]),
        (HEAD + "rules: [{name: x, severity: warn, holds: a > 1}]", ["schemas/sale.yaml:4:29: rules[0].severity: must be one of error, warning, got 'warn'"]),
        (HEAD + "rules: [{column: a, ge: 0, name: x}]", ["schemas/sale.yaml:4:21: rules[0].ge: stands beside other keys (options of a built-in check stand within it: ge: {value: 0, severity: warning})"]),
        (HEAD + "rules: [{python: schemas.retail:Sale.not_in_futur}]", ["schemas/sale.yaml:4:18: rules[0].python: 'Sale' has no 'not_in_futur'; did you mean 'not_in_future'?"]),
        (HEAD + "rules: [{python: nowhere:x}]", ["schemas/sale.yaml:4:18: rules[0].python: there is no module 'nowhere'"]),
        (HEAD + "rules: [{python: nowhere}]", ["schemas/sale.yaml:4:18: rules[0].python: 'nowhere' names no function; write module:function or module:Model.method"]),
        (HEAD + "rules: [{python: 'schemas.retail:STORE'}]", ["schemas/sale.yaml:4:18: rules[0].python: 'schemas.retail:STORE' is no function"]),
        (HEAD + "rules: [{python: 'math:sqrt', arguments: {name: x}}]", ["schemas/sale.yaml:4:18: rules[0].python: argument 'name' is one of Pandera's own; rename it in the function"]),
    ],
)  # fmt: skip
def test_a_document_that_is_no_schema_is_refused_with_its_place(text, expected):
    found = problems(text)
    assert [problem.rstrip() for problem in found] == expected


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("^5", ['must be text, got the number 5, write "5"']),
        ("^[int]", ["must be a type or a mapping, got a list"]),
        ("^{}", ["has no type (write type: str, say)"]),
        ("{type: int, unique: ^1}", ["unique: must be true or false, got the number 1"]),
        ("{type: int, ge:^ }", ["ge: has no value"]),
        (
            "{type: int, ge: ^{^min: 0}}",
            [
                "ge: has no 'value'; write value: beside its options",
                "ge.min: this key is not known (known: as, budget, description, ignore_na, message, name, owner, severity, title, value)",
            ],
        ),
        ("{type: int, ge: ^{value: 0, as: itn}}", ["ge: 'itn' is no type; did you mean 'int'?"]),
        ("{type: int, ge: ^{value: 0, as: 5}}", ['ge: must be text, got the number 5, write "5"']),
        ("{type: int, ge: ^{value: 0, name: isin}}", ["ge: 'isin' is the name of a built-in check; choose another"]),
        ("{type: int, isin: ^5}", ["isin: must be a list of values, got the number 5"]),
        ("{type: int, isin: ^[1, x]}", ["isin: 'x' is no value of type int"]),
        (
            "{type: int, in_range: ^5}",
            ["in_range: must be two values as [from, to] or a mapping of min_value, max_value, include_min, include_max; got the number 5"],
        ),
        ("{type: int, between: ^[1, 2, 3]}", ["between: must be two values as [from, to] or a mapping of min_value, max_value, include_min, include_max; got a list"]),
        ("{type: int, in_range: ^[2, 1]}", ["in_range: Pandera refuses it: The combination of min_value = 2 and max_value = 1 defines an empty interval!"]),
        ("{type: int, in_range: ^{min_value: 1}}", ["in_range: Pandera refuses it: in_range() missing required argument: 'max_value'"]),
        ("{type: int, in_range: ^{min_value: 1, max_value: 2, include_min: 1}}", ["in_range: include_min must be true or false, got the number 1"]),
        ("{type: str, str_length: ^x}", ["str_length: exact_value must be a whole number, got 'x'"]),
        ("{type: str, str_length: ^true}", ["str_length: exact_value must be a whole number, got the truth value true"]),
        ("{type: str, str_length: ^[1]}", ["str_length: must be a number, two values as [from, to] or a mapping of min_value, max_value, exact_value; got a list"]),
        ("{type: str, str_matches: ^5}", ['str_matches: must be text, got the number 5, write "5"']),
        ("{type: int, str_length: ^5}", ["str_length: it does not fit the column's type: invalid series dtype: expected `String`, got `i64` for series with name `a`"]),
        ("{type: int, gt: 1, ^greater_than: 2}", ["greater_than: says the same as 'gt' (several of a kind go into checks:)"]),
        ("{type: int, default: ^{^vale: 5}}", ["default: has no 'value'; write value: beside its type", "default.vale: this key is not known (did you mean 'value'?)"]),
        ("{type: str, default: ^5}", ['default: 5 is a number, not text; write "5" for type str']),
        ("{type: int, checks: ^5}", ["checks: must be a list, got the number 5"]),
        (
            "{type: int, checks: [{^column: a, name: x, holds: a > 1}]}",
            ["checks[0].column: this key is not known (known: arguments, breaks_for, budget, description, element_wise, holds, holds_for, ignore_na, message, name)"],
        ),
        ("{type: int, metadata: {^zone: x}}", ["metadata.zone: stands in the wrong place (write zone: beside type)"]),
        ("{type: int, units: ^{g: [1]}}", ["units: a unit's factor must be a number, got a list"]),
        ("{type: int, units: ^{g: true}}", ["units: a unit's factor must be a number, got the truth value true"]),
        ("{type: int, nan: ^nil}", ["nan: must be one of keep, null, refuse, got 'nil'"]),
        ("{type: str, null_tokens: ^[NA, 0]}", ['null_tokens: must be text, got the number 0, write "0"']),
        ("{type: int, ^regex: true}", ["regex: this key is not known (say each column by itself: a pipeline knows its columns before it reads)"]),
    ],
)  # fmt: skip
def test_a_column_that_cannot_be_read_is_refused_with_its_place(column, expected):
    """A caret stands before each place."""
    places = [match.start() - n for n, match in enumerate(re.finditer(r"\^", column))]
    told = [
        f"schemas/sale.yaml:3:{6 + place}: columns.a{': ' if ' ' in words.partition(':')[0] else '.'}{words}"
        for place, words in zip(places, expected, strict=True)
    ]
    assert problems(f"schema: Sale\ncolumns:\n  a: {column.replace('^', '')}\n") == told


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("{type: int, default: {value: 0.5, as: float}}", "the default 0.5 is no value of type Int64 (give one of its type)"),
        ("{type: uint8, default: 300}", "the default 300 is no value of type UInt8 (give one of its type)"),
        ("{type: int, zone: UTC}", "metadata 'zone' has no meaning for Int64 (drop it, or change the type)"),
        ("{type: date, formats: '%d'}", "format '%d' does not give a whole date (name all of its parts)"),
    ],
)  # fmt: skip
def test_a_column_that_no_plan_can_have_is_refused_with_its_place(column, expected):
    assert problems(f"schema: Sale\ncolumns:\n  a: {column}\n") == [f"schemas/sale.yaml:3:3: columns.a: {expected}"]
