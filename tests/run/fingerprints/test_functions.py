"""Python functions in a plan are known by what they do, what they captured, and what they call of the project."""

from __future__ import annotations

import functools
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

from framework.errors import DefinitionError
from framework.run.fingerprints.forms import digest
from framework.run.fingerprints.values import Describing


def form(value) -> str:
    return digest(Describing("step 'x'").form(value))


def made(text: str, name: str = "f"):
    """A function as a module of its own defines it."""
    module = ModuleType("made_up")
    exec(compile(text, "made_up.py", "exec"), vars(module))
    return getattr(module, name)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a):\n    b = a + 1\n    return b", "def f(x):\n    # the next one\n    y = x + 1\n\n    return y"),
        ("def f(a):\n    return a", "def f(a):\n    'Give it back.'\n    return a"),
        ("def f(a: int) -> int:\n    return a", "def f(a):\n    return a"),
        ("def f(a):\n    return [b for b in a]", "def f(a):\n    return [c for c in a]"),
        ("N = 1\ndef f(a):\n    return a + N", "M = 1\ndef f(a):\n    return a + M"),
        ("def g(a):\n    return a\ndef f(a):\n    return g(a)", "def h(x):\n    return x\ndef f(a):\n    return h(a)"),
        ("f = lambda a: a + 1", "def f(a):\n    return a + 1"),
        (
            "def m(b, c):\n    def f(a):\n        return a + b * c\n    return f\nf = m(1, 2)",
            "def m(z, c):\n    def f(a):\n        return a + z * c\n    return f\nf = m(1, 2)",
        ),
        ("D = {'a': 1, 'b': 2}\ndef f(a):\n    return D[a]", "D = {'b': 2, 'a': 1}\ndef f(a):\n    return D[a]"),
        ("def f(a):\n    return f(a - 1) if a else 0", "def g(b):\n    return g(b - 1) if b else 0\nf = g"),
    ],
)
def test_what_a_function_is_called_and_where_it_stands_changes_nothing(one, other):
    assert form(made(one)) == form(made(other))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("def f(a):\n    return a + 1", "def f(a):\n    return a + 2"),
        ("def f(a):\n    return a + 1", "def f(a):\n    return a - 1"),
        ("def f(a):\n    return 1", "def f(a):\n    return True"),
        ("def f(a):\n    return 1", "def f(a):\n    return 1.0"),
        ("def f(a, b):\n    return a - b", "def f(a, b):\n    return b - a"),
        ("def f(a):\n    return a.upper()", "def f(a):\n    return a.lower()"),
        ("def f(a):\n    return len(a)", "def f(a):\n    return max(a)"),
        ("def f(a, b=1):\n    return a + b", "def f(a, b=2):\n    return a + b"),
        ("def f(a, *, b=1):\n    return a + b", "def f(a, *, b=2):\n    return a + b"),
        ("N = 1\ndef f(a):\n    return a + N", "N = 2\ndef f(a):\n    return a + N"),
        ("D = {'a': 1}\ndef f(a):\n    return D[a]", "D = {'a': 2}\ndef f(a):\n    return D[a]"),
        ("def g(a):\n    return a\ndef f(a):\n    return g(a)", "def g(a):\n    return -a\ndef f(a):\n    return g(a)"),
        ("def f(a):\n    return [b + 1 for b in a]", "def f(a):\n    return [b + 2 for b in a]"),
        ("def f(a):\n    return a if a > 1 else 0", "def f(a):\n    return 0 if a > 1 else a"),
        (
            "def f(a):\n    try:\n        return int(a)\n    except ValueError:\n        return 0",
            "def f(a):\n    try:\n        return int(a)\n    except TypeError:\n        return 0",
        ),
        (
            "def f(a):\n    for b in a:\n        if b:\n            break\n    return b",
            "def f(a):\n    for b in a:\n        if b:\n            continue\n    return b",
        ),
        ("def f(a):\n    yield a", "def f(a):\n    return a"),
        ("import math\ndef f(a):\n    return math.floor(a)", "import math\ndef f(a):\n    return math.ceil(a)"),
        (
            "class C:\n    def g(self):\n        return 1\ndef f(a):\n    return C().g()",
            "class C:\n    def g(self):\n        return 2\ndef f(a):\n    return C().g()",
        ),
        ("class C:\n    n = 1\ndef f(a):\n    return C.n", "class C:\n    n = 2\ndef f(a):\n    return C.n"),
        (
            "from functools import cache\n@cache\ndef g(a):\n    return 1\ndef f(a):\n    return g(a)",
            "from functools import cache\n@cache\ndef g(a):\n    return 2\ndef f(a):\n    return g(a)",
        ),
        (
            "def m(b):\n    def f(a):\n        return a + b\n    return f\nf = m(1)",
            "def m(b):\n    def f(a):\n        return a + b\n    return f\nf = m(2)",
        ),
    ],
)  # fmt: skip
def test_what_a_function_does_is_known(one, other):
    assert form(made(one)) == form(made(one))
    assert form(made(one)) != form(made(other))


def test_what_is_called_in_a_module_of_the_project_is_known(tmp_path, monkeypatch):
    found = []
    monkeypatch.syspath_prepend(tmp_path)
    for number, body in enumerate(["return a", "return -a"]):
        (tmp_path / f"clean{number}.py").write_text(
            f"def tidy(a):\n    {body}\n\n\ndef unused(a):\n    return {number}\n"
        )
        found.append(form(made(f"import clean{number} as clean\ndef f(a):\n    return clean.tidy(a)")))
        found.append(form(made(f"def f(a):\n    import clean{number}\n    return clean{number}.tidy(a)")))
        found.append(form(made(f"from clean{number} import tidy\ndef f(a):\n    return tidy(a)")))
    assert len(set(found)) == len(found)


@dataclass(frozen=True)
class Rate:
    value: float

    def apply(self, amount):
        return amount * self.value


class Plain:
    def __init__(self, value):
        self.value = value


def times(a, b):
    return a * b


@pytest.mark.parametrize(
    ("one", "same", "other"),
    [
        (Rate(1.5).apply, Rate(1.5).apply, Rate(2.5).apply),
        (Plain([1]), Plain([1]), Plain([2])),
        (functools.partial(times, b=2), functools.partial(times, b=2), functools.partial(times, b=3)),
        ({"a", "b", "c"}, {"c", "b", "a"}, {"a", "b"}),
        (re.compile("a+"), re.compile("a+"), re.compile("a+", re.IGNORECASE)),
        (Path("a/b"), Path("a") / "b", Path("a/c")),
        (b"x", b"x", b"y"),
        ("x" * 10_000, "x" * 10_000, "x" * 9_999 + "y"),
        (pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [1]}), pl.DataFrame({"a": [2]})),
        (pl.Series("a", [1]), pl.Series("a", [1]), pl.Series("b", [1])),
        (pl.col("a") + 1, pl.col("a") + 1, pl.col("a") + 2),
        (pl.Enum(["a", "b"]), pl.Enum(["a", "b"]), pl.Enum(["b", "a"])),
        ("text".upper, "text".upper, "other".upper),
        ((1, 2), (1, 2), [1, 2]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_captured_values_are_told_apart_by_their_content(one, same, other):
    assert form(one) == form(same)
    assert form(one) != form(other)


def test_a_value_that_refers_to_itself_comes_to_an_end():
    ring = [1]
    ring.append(ring)
    other = [2]
    other.append(other)
    assert form(ring) == form(ring) != form(other)


@pytest.mark.parametrize("value", [threading.Lock(), (n for n in ())], ids=["lock", "generator"])
def test_a_captured_value_that_may_be_another_in_the_next_run_is_refused_by_name(value):
    def use(text):
        return (text, value)

    with pytest.raises(DefinitionError) as refused:
        form(use)
    (problem,) = refused.value.problems
    assert str(problem) == (
        f"step 'x': use > value is a {type(value).__name__}, of which cannot be told whether it is the same in another"
        " run (make it inside the function, or hand over the plain values that it is made of)"
    )
