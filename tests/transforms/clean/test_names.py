"""People's names: by example, and what holds for all."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.transforms.clean import clean_name
from framework.transforms.clean.names import PARTICLES

pytestmark = pytest.mark.drawn(2)

WORDS = st.sampled_from(
    ["ANN", "o'brien", "McRae", "van", "DE", "LA", "smith-jones", "ßeta", "II", "J.", "Łódź", "mcadam"]
)
NAMES = st.lists(st.lists(WORDS, min_size=1, max_size=5).map(" ".join), min_size=40, max_size=60)


def named(values, **options) -> list:
    return pl.LazyFrame({"name": values}).pipe(clean_name, "name", **options).collect()["name_clean"].to_list()


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("ANN LEE", "Ann Lee"),
        ("  ann \u00a0 lee ", "Ann Lee"),
        ("o'brien", "O'Brien"),
        ("JEAN-LUC PICARD", "Jean-Luc Picard"),
        ("MCDONALD", "McDonald"),
        ("mackay", "Mackay"),
        ("LUDWIG VAN BEETHOVEN", "Ludwig van Beethoven"),
        ("JAN VAN DER BERG", "Jan van der Berg"),
        ("oscar de la renta", "Oscar de la Renta"),
        ("VAN GOGH", "Van Gogh"),
        ("VANCE DELANO", "Vance Delano"),
        ("anh de", "Anh De"),
        ("JOHN SMITH III", "John Smith III"),
        ("j. r. r. tolkien", "J. R. R. Tolkien"),
        ("ÅSA ÖSTBERG", "Åsa Östberg"),
        ("DeShawn van Houten", "DeShawn van Houten"),
        ("ann Lee", "ann Lee"),
        ("田中", "田中"),
        ("12345", None),
        ("---", None),
        ("", None),
        (None, None),
    ],
)
def test_names_by_example(raw, expected):
    assert named(pl.Series([raw], dtype=pl.String)) == [expected]


def test_particles_are_ones_choice():
    assert named(["NGUYEN VAN AN"], particles=()) == ["Nguyen Van An"]
    assert named(["SMITH Y JONES"], particles=["y"]) == ["Smith y Jones"]


@given(NAMES)
def test_only_case_changes_and_only_where_the_text_has_one_case(values):
    for raw, found in zip(values, named(values), strict=True):
        assert found.casefold() == raw.casefold()
        assert found == raw or raw in {raw.upper(), raw.lower()}


@given(st.lists(st.lists(st.sampled_from(PARTICLES), min_size=1, max_size=4), min_size=20, max_size=40))
def test_particles_inside_are_small_whatever_their_neighbours(parts):
    found = named([f"ANN {' '.join(words).upper()} LEE" for words in parts])
    assert found == [f"Ann {' '.join(words)} Lee" for words in parts]
