"""E-mail addresses, held against taking the address apart in loops."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.transforms.clean import clean_email
from tests.transforms.oracle.clean_text import is_address

pytestmark = pytest.mark.drawn(2)

PIECES = st.sampled_from(
    ["a", "B", "1", ".", "-", "@", "+", "_", "é", "\u0301", " ", "x.com", "@b.de", "%", "(", "..", "co"]
)
ADDRESSES = st.lists(st.lists(PIECES, max_size=9).map("".join), min_size=40, max_size=80)


def cleaned(values, **options) -> list:
    rows = pl.LazyFrame({"email": values}, schema={"email": pl.String})
    return rows.pipe(clean_email, "email", **options).collect()["email_clean"].to_list()


@given(ADDRESSES)
def test_what_is_an_address_is_what_taking_it_apart_says(values):
    plain = [value for value in values if value.isascii() and " " not in value]
    assert [found is not None for found in cleaned(plain)] == [is_address(value) for value in plain]
    for raw, found in zip(plain, cleaned(plain), strict=True):
        local, _, domain = raw.partition("@")
        assert found is None or found == f"{local}@{domain.lower()}"


@given(ADDRESSES)
def test_whatever_comes_out_is_an_address_under_all_rules_and_stays(values):
    rules = {"lower_local": True, "drop_tag": True, "fold_gmail": True}
    found = [value for value in cleaned(values, **rules) if value is not None]
    assert all(is_address(value) for value in found)
    assert cleaned(found, **rules) == found


@pytest.mark.parametrize(
    ("raw", "options", "expected"),
    [
        ("\u200b Ann.Lee@Example.COM\n", {}, "Ann.Lee@example.com"),
        ("Ann@Example.com", {"lower_local": True}, "ann@example.com"),
        ("ann+news+more@example.com", {"drop_tag": True}, "ann@example.com"),
        ("+news@example.com", {}, "+news@example.com"),
        ("+news@example.com", {"drop_tag": True}, None),
        ("A.n.n+x@GoogleMail.com", {"fold_gmail": True}, "ann@gmail.com"),
        ("A.n.n+x@example.com", {"fold_gmail": True}, "A.n.n+x@example.com"),
        ("ann@Bücher.example", {}, "ann@bücher.example"),
        ("ann@xn--bcher-kva.example", {}, "ann@xn--bcher-kva.example"),
        ("ann@mail.example.co.uk", {}, "ann@mail.example.co.uk"),
        ("o'brien/x=y@example.com", {}, "o'brien/x=y@example.com"),
        ("a" * 64 + "@example.com", {}, "a" * 64 + "@example.com"),
        ("a" * 65 + "@example.com", {}, None),
        ("ann@" + "b" * 63 + ".com", {}, "ann@" + "b" * 63 + ".com"),
        ("ann@" + "b" * 64 + ".com", {}, None),
        ("ann@x." + "b" * 64, {}, None),
        ("ann@" + "b." * 130 + "com", {}, None),
        ("ann@example", {}, None),
        ("ann@example.c", {}, None),
        ("ann@10.0.0.1", {}, None),
        ("ann@[10.0.0.1]", {}, None),
        ("ann@-example.com", {}, None),
        ("ann@example-.com", {}, None),
        ("ann@example..com", {}, None),
        (".ann@example.com", {}, None),
        ("ann..lee@example.com", {}, None),
        ("ann lee@example.com", {}, None),
        ("ann@lee@example.com", {}, None),
        ('"ann"@example.com', {}, None),
        ("Ann <ann@example.com>", {}, None),
        ("ann@example.com, bob@example.com", {}, None),
        ("ann@example.com\nbob@example.com", {}, None),
    ],
)
def test_addresses_by_example(raw, options, expected):
    assert cleaned([raw], **options) == [expected]
