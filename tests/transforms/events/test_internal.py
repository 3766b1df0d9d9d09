"""Addresses held against networks, and against what the standard library says of them."""

from ipaddress import IPv4Address, IPv6Address

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.events import PRIVATE_NETWORKS, mark_internal
from framework.transforms.events.addresses import IPV4_FIRST, read_address, read_networks
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle import events as oracle

pytestmark = pytest.mark.drawn(2)

NETWORKS = ["10.0.0.0/8", "192.168.7.0/30", "203.0.113.9", "fc00::/7", "2001:db8:5::/126", "10.128.0.0/9"]
NEAR = [int(IPv4Address(a)) for a in ("9.255.255.255", "10.0.0.0", "10.255.255.255", "192.168.7.3", "203.0.113.9")]
NEAR_6 = [int(IPv6Address(a)) for a in ("fbff:ffff::", "fc00::", "fe00::", "2001:db8:5::3", "::1")]
V4 = (st.integers(0, 2**32 - 1) | st.sampled_from(NEAR).flatmap(lambda n: st.integers(n - 2, n + 2))).map(IPv4Address)
V6 = (st.integers(0, 2**128 - 1) | st.sampled_from(NEAR_6).flatmap(lambda n: st.integers(n - 1, n + 2))).map(
    IPv6Address
)
FORMS = st.one_of(
    V4.map(str),
    V4.map(lambda a: f"::ffff:{a}"),
    V4.map(lambda a: IPv6Address(IPV4_FIRST + int(a)).exploded.upper()),
    V6.map(str),
    V6.map(lambda a: a.exploded),
    V6.map(lambda a: f"{a}%eth0"),
    st.text("0123456789abcF:.%/ \0", max_size=20),
)


def marks(addresses, **options) -> list:
    rows = pl.LazyFrame({"ip": addresses}, schema={"ip": pl.String})
    return rows.pipe(mark_internal, "ip", **options).collect()["is_internal"].to_list()


@given(st.lists(FORMS, min_size=20, max_size=200))
def test_an_address_is_internal_as_the_standard_library_reads_it(addresses):
    assert marks(addresses, networks=NETWORKS) == [oracle.is_internal(a, NETWORKS) for a in addresses]


@pytest.mark.parametrize(
    ("address", "mark"),
    [
        ("172.16.0.0", True),
        ("172.31.255.255", True),
        ("172.32.0.0", False),
        ("100.64.0.1", True),
        ("127.0.0.1", True),
        ("::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:192.168.0.1", True),
        ("::FFFF:C0A8:0001", True),
        ("fd12:3456::1", True),
        ("8.8.8.8", False),
        ("2606:4700::1111", False),
        ("::", False),
        (None, None),
        ("", None),
        ("localhost", None),
        ("10.0.0.1:443", None),
        ("10.0.0.1, 8.8.8.8", None),
        (" 10.0.0.1", None),
        ("010.0.0.1", None),
        ("10.1", None),
        ("10.0.0.1%eth0", None),
        ("fe80::1%", None),
        ("10.0.0.1\0", None),
    ],
)
def test_private_addresses_are_internal_in_every_form_and_what_is_no_address_is_unknown(address, mark):
    assert marks([address]) == [mark]


def test_a_network_of_all_ipv6_holds_ipv4_too():
    assert marks(["8.8.8.8", "2606::1"], networks=["::/0"]) == [True, True]
    assert marks(["8.8.8.8", "2606::1"], networks=["0.0.0.0/0"]) == [True, False]


def test_networks_that_touch_or_overlap_become_one():
    ten = read_address("10.0.0.0")
    networks = ["10.0.0.0/9", "10.128.0.0/9", "10.1.0.0/16", "11.0.0.1"]
    assert read_networks(networks, "") == [(ten, ten + 2**24 - 1), (ten + 2**24 + 1, ten + 2**24 + 1)]


def test_networks_that_cannot_be_read_are_all_named():
    with pytest.raises(TransformError) as caught:
        pl.LazyFrame({"ip": ["x"]}).pipe(mark_internal, "ip", networks=["10.0.0.1/8", "fc00::/7", "office"])
    assert str(caught.value) == (
        "mark_internal: 2 of the networks cannot be read: 10.0.0.1/8 has host bits set; "
        "'office' does not appear to be an IPv4 or IPv6 network; expected a form such as '10.0.0.0/8'"
    )


@pytest.mark.parametrize("networks", ["10.0.0.0/8", []])
def test_networks_must_be_a_list_of_some(networks):
    with pytest.raises(TransformError) as caught:
        pl.LazyFrame({"ip": ["x"]}).pipe(mark_internal, "ip", networks=networks)
    assert str(caught.value) == (
        f"mark_internal: networks={networks!r} must be a list of networks such as ['10.0.0.0/8']"
    )


@pytest.mark.parametrize(
    ("schema", "into", "message"),
    [
        ({"ipp": pl.String}, "is_internal", "mark_internal: there is no column 'ip' (did you mean 'ipp'?)"),
        ({"ip": pl.Int64}, "is_internal", "mark_internal: column 'ip' is Int64, expected String"),
        ({"ip": pl.String}, "ip", "mark_internal: adds the column ip, which is there already; rename or drop it"),
    ],
)
def test_columns_that_do_not_fit_are_refused(schema, into, message):
    with pytest.raises(TransformError) as caught:
        pl.LazyFrame(schema=schema).pipe(mark_internal, "ip", into=into)
    assert str(caught.value) == message


def test_no_rows_and_only_nulls_are_fine():
    assert marks([]) == []
    assert marks([None, None]) == [None, None]


def test_it_is_lazy_streams_and_is_the_same_on_every_engine_and_in_parts():
    def transform(rows):
        return rows.pipe(mark_internal, "ip")

    rows = pl.DataFrame({"ip": ["10.0.0.1", None, "8.8.8.8", "x", "::1"] * 5, "n": range(25)})
    assert_lazy(transform, {"ip": pl.String})
    assert fallbacks(transform(rows.lazy())) == []
    whole = same_everywhere(transform, rows, sort_by=["n"])
    assert by_parts(transform, rows, "ip").sort("n").equals(whole)
    assert transform(rows.lazy()).collect()["n"].to_list() == list(range(25))


def test_every_private_network_can_be_read():
    assert read_networks(PRIVATE_NETWORKS, "")
