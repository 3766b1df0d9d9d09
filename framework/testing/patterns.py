r"""Texts that match a pattern: made from it, not found by chance.

Patterns of schemas are Rust's. Python's differ little: `$` also stands before a last line break, and `\z` is unknown.
What cannot be read as Python's gives no strategy; what is made is held against the compiled rule in any case.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from framework.testing.extra import st
from framework.testing.values import texts

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

FLAGS = re.compile(r"\(\?[a-zA-Z]+\)")
PLAIN = [(32, 126), (0xC4, 0xFC)]
TOKEN = re.compile(r"\\.|\[(?:\\.|\[:[a-z]+:\]|[^\]\\])(?:\\.|[^\]\\])*\]|\$", re.DOTALL)


def matching(pattern: str, *, bound: bool) -> SearchStrategy[str] | None:
    """Give a strategy for texts in which a pattern is found: at the beginning when `bound`, else anywhere."""
    exact = _matches(pattern)
    if exact is None:
        return None
    longer = st.tuples(st.just("") if bound else texts("usual"), exact, texts("usual")).map("".join)
    return exact | longer


def _matches(pattern: str) -> SearchStrategy[str] | None:
    ours = as_python(pattern)
    plain = st.one_of(*(st.characters(min_codepoint=first, max_codepoint=last) for first, last in PLAIN))
    for options in ({"alphabet": plain}, {}):
        try:
            found: SearchStrategy[str] = st.from_regex(re.compile(ours), fullmatch=True, **options)
            found.validate()
        except Exception:  # noqa: BLE001, S112 - hypothesis refuses alphabets and patterns in many ways; none is ours
            continue
        return found
    return None


def as_python(pattern: str) -> str:
    r"""Give a pattern of Rust's as one of Python's that means the same.

    >>> as_python(r"a\$[$]b$|\z")
    'a\\$[$]b\\Z|\\Z'
    """
    flags = FLAGS.match(pattern)
    head = flags.group() if flags else ""
    body = TOKEN.sub(lambda m: r"\Z" if m.group() in {"$", r"\z"} else m.group(), pattern[len(head) :])
    return head + body
