"""Countries, held against every entry of ISO 3166-1 as pycountry has it."""

import polars as pl
import pycountry
import pytest

from framework.errors import TransformError
from framework.transforms.clean import clean_country
from framework.transforms.clean.countries import ALIASES, _codes, _folded, _iso_names

pytestmark = pytest.mark.drawn(2)

COUNTRIES = list(pycountry.countries)


def cleaned(values, **options) -> list:
    rows = pl.LazyFrame({"country": values}, schema={"country": pl.String})
    return rows.pipe(clean_country, "country", **options).collect()["country_clean"].to_list()


@pytest.mark.parametrize("field", ["alpha_2", "alpha_3", "numeric", "name", "official_name", "common_name"])
@pytest.mark.parametrize(
    "spelling", [str, str.lower, str.upper, lambda name: f"  {name}. "], ids=["", "low", "up", "pad"]
)
def test_every_code_and_name_of_the_standard_is_read_however_it_is_spelled(field, spelling):
    given = [country for country in COUNTRIES if getattr(country, field, None)]
    found = cleaned([spelling(getattr(country, field)) for country in given])
    assert found == [country.alpha_2 for country in given]


@pytest.mark.parametrize("to", ["alpha_2", "alpha_3", "numeric"])
def test_every_country_can_be_written_in_every_form(to):
    assert cleaned([country.alpha_3 for country in COUNTRIES], to=to) == [getattr(country, to) for country in COUNTRIES]


def test_no_name_means_two_countries():
    pairs = [*((name, code) for code, names in ALIASES.items() for name in names), *_iso_names()]
    codes = {}
    for folded, (_, code) in zip(_folded(name for name, _ in pairs), pairs, strict=True):
        codes.setdefault(folded, set()).add(code)
    assert {name: found for name, found in codes.items() if len(found) > 1} == {}
    assert len(codes) == len(_codes())


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("U.S.A.", "United States"),
        ("the Netherlands", "Netherlands"),
        ("cote d\u2019ivoire", "Côte d'Ivoire"),
        ("Turkiye", "Türkiye"),
        ("Republic of Korea", "South Korea"),
        ("Bosnia & Herzegovina", "Bosnia and Herzegovina"),
        ("guinea bissau", "Guinea-Bissau"),
        ("uk", "United Kingdom"),
        ("4", "Afghanistan"),
        ("NA", "Namibia"),
        ("Korea", None),
        ("Germny", None),
        ("", None),
        ("0", None),
        (None, None),
    ],
)
def test_countries_by_example(raw, expected):
    assert cleaned([raw], to="name") == [expected]


def test_names_of_your_own_go_first():
    extra = {"Deutschland": "DE", "Georgia": "US"}
    assert cleaned(["DEUTSCHLAND", "georgia", "Georgia"], extra=extra) == ["DE", "US", "US"]
    assert cleaned(["georgia"]) == ["GE"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": "alpha2"}, "clean_country: to='alpha2' is unknown; did you mean 'alpha_2' or 'alpha_3'?"),
        ({"extra": {"Kosovo": "XK"}}, "clean_country: extra names 'XK', no alpha-2 code; "),
    ],
)
def test_what_is_wrong_is_said_when_the_plan_is_built(options, message):
    with pytest.raises(TransformError) as caught:
        cleaned([], **options)
    assert str(caught.value).startswith(message)
