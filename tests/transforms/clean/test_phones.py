"""Phone numbers, held against what libphonenumber itself says of each."""

import phonenumbers
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat as Form

from framework.errors import TransformError
from framework.transforms.clean import clean_phone

pytestmark = pytest.mark.drawn(2)

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)


def cleaned(values, **options) -> list:
    rows = pl.LazyFrame({"phone": values}, schema={"phone": pl.String})
    return rows.pipe(clean_phone, "phone", **options).collect()["phone_clean"].to_list()


@pytest.mark.parametrize("form", [Form.E164, Form.INTERNATIONAL, Form.NATIONAL, Form.RFC3966], ids=str)
def test_the_example_number_of_every_region_is_read_from_every_form_of_it(form):
    examples = {region: phonenumbers.example_number(region) for region in REGIONS}
    written = [(region, phonenumbers.format_number(number, form)) for region, number in examples.items()]
    rows = pl.LazyFrame(written, schema={"region": pl.String, "phone": pl.String}, orient="row")
    found = rows.pipe(clean_phone, "phone", region_by="region").collect()["phone_clean"].to_list()
    assert found == [phonenumbers.format_number(number, Form.E164) for number in examples.values()]


@given(
    st.lists(st.text("0123456789+-() /.x", max_size=16), min_size=20, max_size=40), st.sampled_from([None, "DE", "US"])
)
def test_a_number_is_what_libphonenumber_says(values, region):
    def said(value):
        try:
            number = phonenumbers.parse(value, region)
        except phonenumbers.NumberParseException:
            return None
        return phonenumbers.format_number(number, Form.E164) if phonenumbers.is_valid_number(number) else None

    assert cleaned(values, region=region) == [said(value) for value in values]


@pytest.mark.parametrize(
    ("raw", "region", "expected"),
    [
        ("030 / 1234567", "DE", "+49301234567"),
        ("0049 30 1234567", "DE", "+49301234567"),
        ("+49 (0)30 1234567", None, "+49301234567"),
        ("+49 30 1234567", "US", "+49301234567"),
        ("030 1234567", None, None),
        ("1-800-FLOWERS", "US", "+18003569377"),
        ("(212) 555-0123 ext. 7", "US", "+12125550123"),
        ("123", "DE", None),
        ("\uff0b\uff14\uff19 30 1234567", None, "+49301234567"),
        (None, "DE", None),
    ],
)
def test_numbers_by_example(raw, region, expected):
    assert cleaned([raw], region=region) == [expected]


def test_the_region_of_the_row_goes_before_the_one_for_all():
    rows = pl.LazyFrame({"phone": ["030 1234567"] * 4, "region": ["DE", " de", None, "US"]})
    found = rows.pipe(clean_phone, "phone", region_by="region", region="DE").collect()
    assert found["phone_clean"].to_list() == ["+49301234567", "+49301234567", "+49301234567", None]


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("de", "clean_phone: region='de' is no ISO 3166 alpha-2 code with a phone plan; did you mean 'DE'?"),
        ("DEU", "clean_phone: region='DEU' is no ISO 3166 alpha-2 code with a phone plan; did you mean 'DE' or 'EU'?"),
    ],
)
def test_an_unknown_region_is_refused_when_the_plan_is_built(region, message):
    with pytest.raises(TransformError) as caught:
        cleaned([], region=region)
    assert str(caught.value).startswith(message.split(";")[0])
