"""The table of docs/explanation/fingerprints.md, row by row: each is an edit of the module that the page shows."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from framework.run.fingerprints import fingerprint, node_fingerprints

PAGE = Path(__file__).parents[2] / "docs/explanation/fingerprints.md"
MODULE = re.search(r"^```python\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE).group(1)
LABEL = 'label=pl.col("product").map_elements(shout, return_dtype=pl.String),'
OUTPUT = 'table("shop/totals", of=totals, mode="merge", key="product", newest_by="net")'
ENDING = "def ending(text):\n    return text[-1:]\n"
SHOUT = "def shout(text: str) -> str:\n    return text.upper() + ending(text)\n"
NET = 'net=pl.col("amount") / RATE,\n        '

EDITS = {
    "a local variable is renamed": [("large", "big_ones")],
    "a comment is added": [("    large =", "    # only these are of interest\n    large =")],
    "a docstring is added to a step": [("    large =", '    """Value each sale."""\n    large =')],
    "a docstring is added to a function that a step calls": [
        ("    return text[-1:]", '    """End."""\n    return text[-1:]')
    ],
    "lines move, and functions change places": [(ENDING, ""), (SHOUT, f"\n\n\n{SHOUT}\n\n{ENDING}")],
    "a step's parameter is renamed": [("minimum", "least")],
    "a parameter of a called function is renamed": [
        ("ending(text):\n    return text[", "ending(word):\n    return word[")
    ],
    "a constant of the module is renamed": [("RATE", "TAX")],
    "a called function is renamed": [("ending(", "last_letter(")],
    "an input's file pattern is another": [("sales/*.csv", "sold/*.csv")],
    "an owner and a tag are added": [('"shop.totals",', '"shop.totals", owner="finance", tags=["nightly"],')],
    "a policy is added": [
        ("from framework import", "from framework import Policy,"),
        ('"shop.totals",', '"shop.totals", policy=Policy(deadline="1h"),'),
    ],
    "what a table's schema may become (`compatibility`) is another": [
        ('newest_by="net"', 'newest_by="net", compatibility="none"')
    ],
    "two new columns of one `with_columns` change places": [
        (NET, ""),
        (LABEL, LABEL + '\n        net=pl.col("amount") / RATE,'),
    ],
    "the order of keys in a dict is another": [('"kg": 1, "g": 2', '"g": 2, "kg": 1')],
    "a constant is written out where it is used": [("/ RATE", "/ 1.2")],
    "a lambda takes the place of a function that does the same": [
        ("map_elements(shout,", "map_elements(lambda word: word.upper() + ending(word),")
    ],
    "a column that is not selected is added": [(NET, NET + 'gross=pl.col("amount") * 2,\n        ')],
    "an intermediate `select` of what is read anyway is added": [
        (").select(", ').select("net", "product", "label").select(')
    ],
    "one `filter` becomes two": [("> minimum, pl", "> minimum).filter(pl")],
    "a literal of a filter is another": [("> minimum", "> minimum + 1")],
    "an operator is another": [("> minimum", ">= minimum")],
    "a constant of the module has another value": [("RATE = 1.2", "RATE = 1.3")],
    "a value of a list that rows are held against is another": [('"g": 2', '"t": 2')],
    "the default of a parameter is another": [("minimum: int = 5", "minimum: int = 6")],
    "the aggregation is another": [(".sum()", ".mean()")],
    "a Python function does something else": [("text.upper()", "text.lower()")],
    "a function that is called by the Python function does something else": [("text[-1:]", "text[-2:]")],
    "a column that the next step does not read is computed otherwise": [
        ('label=pl.col("product")', 'label=pl.col("unit")')
    ],
    "a column that the next step does not read is left out": [
        (', "label")', ")"),
        ("    label: str = pa.Field(nullable=True)\n", ""),
    ],
    "a rule of a column that is read is another": [("pa.Field(ge=0)", "pa.Field(ge=1)")],
    "a rule of a column that the next step does not read is added": [
        ("label: str = pa.Field(nullable=True", "label: str = pa.Field(nullable=True, str_length={'max_value': 9}")
    ],
    "a type in a step's schema is another": [
        ("    net: float\n", "    net: pl.Float32\n"),
        (".sum()", ".sum().cast(pl.Float32)"),
    ],
    "a rule of the source is another": [("id: int = pa.Field(gt=0)", "id: int = pa.Field(gt=1)")],
    "a rule of the source on a column that no step reads is added": [
        ("note: str = pa.Field(nullable=True", "note: str = pa.Field(nullable=True, str_length={'max_value': 9}")
    ],
    "what becomes of refused rows (`on_invalid`) is another": [("schema=Sale", 'schema=Sale, on_invalid="warn"')],
    "a text that means null is added to the source": [
        ("from framework import", "from framework import Nulls,"),
        ("schema=Sale", 'schema=Sale, nulls=Nulls(tokens=["-"])'),
    ],
    "a step is renamed": [
        ("def valued(", "def priced("),
        ("totals(valued:", "totals(priced:"),
        ("return valued.", "return priced."),
        ("[valued,", "[priced,"),
    ],
    "the table's key is another": [('key="product"', 'key=["product", "net"]')],
    "the table's mode is another": [(OUTPUT, 'table("shop/totals", of=totals, mode="append")')],
}


def documented() -> list[tuple[str, ...]]:
    section = PAGE.read_text().partition("| edit |")[2].partition("\n\n")[0]
    return [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in section.splitlines()[2:]]


def edited(edits) -> str:
    text = MODULE
    for old, new in edits:
        assert old in text, f"the page no longer has {old!r}"
        text = text.replace(old, new)
    return text


def fingerprints(text: str) -> list[str]:
    """Of the first step, the second, and the pipeline."""
    module = ModuleType("shop_totals")
    exec(compile(text, "shop_totals.py", "exec"), vars(module))
    steps = list(node_fingerprints(module.pipeline).values())[1:]
    return [*steps, fingerprint(module.pipeline)]


@pytest.fixture(scope="module", name="as_it_is")
def of_the_module():
    return fingerprints(MODULE)


@pytest.mark.parametrize(("edit", "valued", "totals", "pipeline"), documented(), ids=lambda cell: cell[:60])
def test_an_edit_changes_what_the_page_says_and_nothing_else(edit, valued, totals, pipeline, as_it_is):
    found = fingerprints(edited(EDITS[edit]))
    told = ["same" if one == other else "another" for one, other in zip(as_it_is, found, strict=True)]
    assert told == [valued, totals, pipeline]


def test_every_edit_is_documented():
    assert [row[0] for row in documented()] == list(EDITS)
