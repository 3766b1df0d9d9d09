"""The vocabulary as a whole: one place to import from, every word documented, none reading rows."""

import importlib
import pkgutil
import re
from inspect import getdoc, isfunction, signature
from pathlib import Path

import pytest

from framework import transforms

ROOMS = [info.name for info in pkgutil.iter_modules(transforms.__path__) if info.ispkg]
WORDS = {name: word for name in transforms.__all__ if isfunction(word := getattr(transforms, name))}
REFERENCE = Path(__file__).parents[2] / "docs/reference/transforms.md"


def test_every_public_name_of_a_room_is_at_the_root_and_no_other():
    rooms = [importlib.import_module(f"framework.transforms.{room}") for room in ROOMS]
    assert sorted([*(name for room in rooms for name in room.__all__), "with_hash"]) == sorted(transforms.__all__)


@pytest.mark.parametrize("name", WORDS)
def test_a_docstring_tells_grain_laziness_errors_and_shows_an_example(name):
    text = getdoc(WORDS[name])
    assert re.search(r"\b[Oo]ne row\b|\b[Oo]ne .*row|per row|row", text), "grain"
    assert re.search(r"\b[Ll]azy\b", text), "laziness"
    assert re.search(r"\bnull|\bNull", text), "what null means"
    assert "TransformError" in text, "errors"
    assert ">>> " in text, "an example"


@pytest.mark.parametrize("name", WORDS)
def test_a_word_takes_frames_first_and_its_options_by_name(name):
    parameters = list(signature(WORDS[name]).parameters.values())
    assert len(parameters) <= 8
    assert sum(p.kind is not p.KEYWORD_ONLY for p in parameters) <= 3


def test_the_reference_lists_every_word_with_the_first_sentence_of_its_docstring():
    listed = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|$", REFERENCE.read_text(), flags=re.MULTILINE))
    assert listed == {name: first_sentence(word) for name, word in WORDS.items()}


def first_sentence(word) -> str:
    return re.split(r"(?<=\.)\s", getdoc(word).replace("\n", " "), maxsplit=1)[0].replace("|", "\\|")
