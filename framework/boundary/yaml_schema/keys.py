"""The format, declared once: every key of a schema in YAML, what may stand there, and what it says.

Reading, writing and the JSON Schema for editors all go by these tables.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from framework.boundary.casts.counted import NANOSECONDS
from framework.boundary.casts.metadata import AMBIGUOUS, LOSSES, PERCENT
from framework.boundary.casts.text_words import ENCODINGS
from framework.core.rule import OVER
from framework.core.source import NAN_POLICIES

Form = Literal[
    "text",
    "flag",
    "texts",
    "word",
    "flag or word",
    "units",
    "type",
    "value",
    "columns",
    "checks",
    "rules",
    "free",
    "budget",
    "examples",
    "pair",
    "columns of both",
    "tolerance",
    "agree",
    "references",
]
Argument = Literal["value", "values", "text", "range", "length"]


@dataclass(frozen=True)
class Key:
    """A key: what may stand there, what it says, and the words to choose from."""

    name: str
    form: Form
    says: str
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckForm:
    """A built-in check: its key, its name in Pandera, what it takes, and the name of that in Pandera."""

    key: str
    name: str
    argument: Argument
    parameter: str
    says: str


def _by_name(*keys: Key) -> dict[str, Key]:
    return {key.name: key for key in keys}


SCHEMA = _by_name(
    Key("schema", "text", "Its name."),
    Key("title", "text", "A label for people."),
    Key("description", "text", "What one row is."),
    Key("strict", "flag or word", "true: more columns are an error; filter: they are left out.", ("filter",)),
    Key("ordered", "flag", "The columns of a file or step must come in this order."),
    Key("unique", "texts", "Columns that are unique together."),
    Key("add_missing_columns", "flag", "Columns that may be empty need not be there."),
    Key("coerce", "flag", "For Pandera only: a boundary always casts, and only where no value is lost."),
    Key("metadata", "free", "What else is to be kept about the schema."),
    Key("columns", "columns", "The columns, in order."),
    Key("rules", "rules", "Rules that no key of a column can say."),
)
COLUMN = _by_name(
    Key("type", "type", "The type of its values."),
    Key("title", "text", "A label for people."),
    Key("description", "text", "What its values mean."),
    Key("nullable", "flag", "Values may be missing."),
    Key("required", "flag", "false: a file may lack the column."),
    Key("unique", "flag", "No value comes twice."),
    Key("default", "value", "What takes the place of a missing value."),
    Key("coerce", "flag", "For Pandera only: a boundary always casts, and only where no value is lost."),
)
READING = _by_name(
    Key("sensitive", "flag", "Values are masked in messages and listings."),
    Key("formats", "texts", "How dates and times are written, such as %d.%m.%Y; tried in turn."),
    Key("zone", "text", "The zone of times that do not say theirs."),
    Key("ambiguous", "word", "Local times that clocks show twice.", AMBIGUOUS),
    Key("true_words", "texts", "Words that mean true."),
    Key("false_words", "texts", "Words that mean false."),
    Key("null_tokens", "texts", "Texts that mean no value."),
    Key("nan", "word", "What becomes of NaN.", NAN_POLICIES),
    Key("decimal_comma", "flag", "A comma stands before the decimals."),
    Key("thousands", "texts", "Characters that may stand between thousands."),
    Key("currency", "texts", "Spellings of one currency before or behind numbers."),
    Key("percent", "word", "What 15% is: 0.15 (fraction) or 15 (points).", tuple(PERCENT)),
    Key("units", "units", "Units behind numbers, with their factors."),
    Key("time_unit", "word", "What numbers that stand for times count.", tuple(NANOSECONDS)),
    Key("encoding", "word", "How bytes are written.", tuple(ENCODINGS)),
    Key("lossy", "texts", "Losses that are allowed.", tuple(LOSSES)),
)
"""How a column is read: keys that Python has in its metadata."""
COLUMN_LAST = _by_name(
    Key("metadata", "free", "What else is to be kept about the column."),
    Key("checks", "checks", "Checks in this order, where their keys alone do not do: several of a kind, say."),
)
CHECKS = {
    form.key: form
    for form in (
        CheckForm("eq", "equal_to", "value", "value", "Values equal this."),
        CheckForm("ne", "not_equal_to", "value", "value", "Values differ from this."),
        CheckForm("gt", "greater_than", "value", "min_value", "Values are greater."),
        CheckForm("ge", "greater_than_or_equal_to", "value", "min_value", "Values are greater or equal."),
        CheckForm("lt", "less_than", "value", "max_value", "Values are less."),
        CheckForm("le", "less_than_or_equal_to", "value", "max_value", "Values are less or equal."),
        CheckForm("in_range", "in_range", "range", "", "Values are between two, both included."),
        CheckForm("isin", "isin", "values", "allowed_values", "Values are among these."),
        CheckForm("notin", "notin", "values", "forbidden_values", "Values are not among these."),
        CheckForm("str_matches", "str_matches", "text", "pattern", "Texts begin with what this pattern matches."),
        CheckForm("str_contains", "str_contains", "text", "pattern", "Texts contain what this pattern matches."),
        CheckForm("str_startswith", "str_startswith", "text", "string", "Texts begin with this."),
        CheckForm("str_endswith", "str_endswith", "text", "string", "Texts end with this."),
        CheckForm("str_length", "str_length", "length", "", "Characters: exactly so many, or from and to."),
        CheckForm("unique_values_eq", "unique_values_eq", "values", "values", "The column as a whole takes these."),
    )
}
SPELLINGS = {**{form.name: form.key for form in CHECKS.values()}, **{key: key for key in CHECKS}, "between": "in_range"}
"""Every spelling of a check, to its key."""
OPTIONS = _by_name(
    Key("name", "text", "The name, by which budgets call it."),
    Key("message", "text", "What a row that breaks it is told."),
    Key("severity", "word", "A warning is counted and refuses nothing.", ("error", "warning")),
    Key("ignore_na", "flag", "false: no answer, as for missing values, breaks it."),
    Key("owner", "text", "Who answers for it."),
    Key("budget", "budget", "How many rows may break it before a run fails: 100, 0.1%, or both in a list."),
    Key("title", "text", "A label for people."),
    Key("description", "text", "Why it is there."),
)
RANGE = ("min_value", "max_value", "include_min", "include_max")
LENGTH = ("min_value", "max_value", "exact_value")
EXAMPLES = _by_name(
    Key("holds_for", "examples", "Rows, or lists of rows, for which the rule must hold."),
    Key("breaks_for", "examples", "Rows, or lists of rows, that must break it, and no other rule."),
)
RULE = _by_name(
    OPTIONS["name"],
    Key("column", "texts", "The column whose values it judges; without one it judges rows."),
    Key("holds", "text", "An expression in SQL over columns, true where the rule holds."),
    Key("python", "text", "A check that only Python can say, as module:function or module:Model.method."),
    Key("arguments", "free", "What the function takes besides."),
    Key("element_wise", "flag", "The function takes one value, not a frame; slow."),
    *(key for key in OPTIONS.values() if key.name != "name"),
    *EXAMPLES.values(),
)
AGREE = _by_name(
    Key("left", "text", "A source or step."),
    Key("right", "text", "Another one."),
    Key("on", "pair", "What is aggregated of their rows, in SQL; a mapping of left and right where they differ."),
    Key("by", "columns of both", "Columns for each of whose values they agree; a mapping where names differ."),
    Key("within", "tolerance", "How far they may be apart: a number, or a share such as 0.5%."),
    Key("over", "word", "The tables as they would be published, or the rows of one run.", OVER),
)
REFERENCES = _by_name(
    Key("of", "text", "The source or step that refers."),
    Key("column", "texts", "Its column, or columns that refer together."),
    Key("to", "text", "The source or step that must have the value."),
    Key("key", "texts", "Its column or columns; by default those of column."),
    Key("over", "word", "All rows of the table as it would be published, or those of one run.", OVER),
)
ALONE = _by_name(
    OPTIONS["name"],
    RULE["holds"],
    Key("agree", "agree", "Aggregates of two sources or steps that agree."),
    Key("references", "references", "A column whose values another source or step must have."),
    *(OPTIONS[name] for name in ("message", "severity", "owner", "budget", "description")),
    *EXAMPLES.values(),
)
"""The keys of a rule in a file of rules alone."""
INSTEAD = {
    "error": "message",
    "raise_warning": "severity: warning",
    "dtype": "type",
    "alias": "the name of the column as its key",
    "regex": "each column by itself: a pipeline knows its columns before it reads",
    "name": "schema",
    "sql": "holds",
    "expression": "holds",
    "check": "holds",
}
"""What people write who come from Pandera or elsewhere, and what to write here."""
