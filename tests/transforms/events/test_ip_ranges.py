"""Look-ups by range of addresses, held against a reading of every range."""

from ipaddress import IPv4Address, IPv6Address, ip_network

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.events import look_up_ip
from framework.transforms.events.addresses import read_network, read_span
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere
from tests.transforms.oracle import events as oracle

pytestmark = pytest.mark.drawn(2)

V6_START = int(IPv6Address("2001:db8::"))
RANGES = {"first": pl.String, "last": pl.String, "country": pl.String}
NETWORKS = {"network": pl.String, "country": pl.String}
FOUR = st.integers(0, 63).map(lambda n: str(IPv4Address(n + 2**24)))
MAPPED = FOUR.map(lambda text: f"::ffff:{text}")
SIX = st.integers(0, 63).map(lambda n: str(IPv6Address(n + V6_START)))
TEXTS = st.none() | st.sampled_from(["", "x", "1.0.0", "1.0.0.1/32", "::", "ffff::%eth0", "255.255.255.255"])
ADDRESSES = st.one_of(FOUR, MAPPED, SIX, TEXTS)
COUNTRIES = st.none() | st.sampled_from(["AT", "DE", "FR"])


def plan(addresses, ranges, schema=RANGES, span=("first", "last"), **options) -> pl.LazyFrame:
    rows = pl.LazyFrame({"n": range(len(addresses)), "ip": addresses}, schema={"n": pl.Int64, "ip": pl.String})
    table = pl.LazyFrame(ranges, schema=schema, orient="row")
    return rows.pipe(look_up_ip, table, ip="ip", span=span, columns="country", **options)


def countries(addresses, ranges, **options) -> list:
    return plan(addresses, ranges, **options).collect().sort("n")["country"].to_list()


def in_networks(addresses, *networks, **options) -> list:
    return countries(addresses, list(networks), schema=NETWORKS, span="network", **options)


@given(
    st.lists(ADDRESSES, min_size=20, max_size=100),
    st.lists(st.tuples(ADDRESSES, ADDRESSES, COUNTRIES) | st.tuples(FOUR, FOUR, COUNTRIES), max_size=25),
)
def test_an_address_is_where_the_range_says_that_starts_last_and_ends_first(addresses, ranges):
    expected = [oracle.look_up_ip(address, ranges) for address in addresses]
    for engine in ("streaming", "in-memory"):
        result = plan(addresses, ranges, found="is_known").collect(engine=engine).sort("n")
        assert result["ip"].to_list() == addresses
        assert result.select("country", "is_known").rows() == expected


@given(
    st.lists(FOUR | SIX, min_size=20, max_size=100),
    st.lists(st.tuples(st.integers(0, 63), st.integers(0, 6), st.booleans(), COUNTRIES), max_size=25),
)
def test_of_nested_networks_the_most_specific_holds(addresses, drawn):
    networks = []
    for offset, size, is_four, country in drawn:
        address = IPv4Address(2**24 + offset) if is_four else IPv6Address(V6_START + offset)
        bits = (32 if is_four else 128) - size
        networks.append((str(ip_network(f"{address}/{bits}", strict=False)), country))
    spans = [(str(ip_network(text)[0]), str(ip_network(text)[-1]), country) for text, country in networks]
    expected = [oracle.look_up_ip(address, spans)[0] for address in addresses]
    assert in_networks(addresses, *networks) == expected


@given(st.lists(st.tuples(FOUR | SIX, st.integers(0, 130)), max_size=50))
def test_a_network_is_read_as_the_standard_library_reads_it(drawn):
    for address, prefix in drawn:
        try:
            expected = read_network(f"{address}/{prefix}")
        except ValueError:
            expected = (None, None)
        assert read_span(f"{address}/{prefix}") == expected


@pytest.mark.parametrize(
    "text", [None, "", "x", "10.0.0.0/", "10.0.0.0/x", "10.0.0.0/-1", "10.0.0.0/٣", "10.0.0.0/8/8"]
)
def test_what_is_no_network_holds_nothing(text):
    assert in_networks(["10.0.0.0", None], (text, "AT")) == [None, None]


def test_the_bounds_are_in_the_range_and_their_neighbours_are_not():
    addresses = ["9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0", "::ffff:10.0.0.1", "::a00:1"]
    assert in_networks(addresses, ("10.0.0.0/8", "AT")) == [None, "AT", "AT", None, "AT", None]


def test_a_range_goes_on_where_a_nested_one_ends_and_where_one_that_crosses_begins_it_is_cut():
    addresses = [f"10.0.0.{n}" for n in (0, 2, 4, 6, 9, 12)]
    nested = [("10.0.0.0", "10.0.0.9", "AT"), ("10.0.0.2", "10.0.0.5", "DE")]
    assert countries(addresses, nested) == ["AT", "DE", "DE", "AT", "AT", None]
    assert countries(addresses, [*nested, ("10.0.0.4", "10.0.0.12", "FR")]) == ["AT", "DE", "FR", "FR", "FR", "FR"]


def test_a_single_address_and_everything_are_networks():
    everything = [("0.0.0.0/0", "AT"), ("::/0", "DE"), ("8.8.8.8", "FR")]
    assert in_networks(["1.1.1.1", "::1", "8.8.8.8", f"{IPv6Address(2**128 - 1)}"], *everything) == [
        "AT",
        "DE",
        "FR",
        "DE",
    ]


def test_a_default_stands_for_what_was_not_found_and_not_for_a_null_that_was():
    ranges = [("10.0.0.0", "10.0.0.1", None)]
    assert countries(["10.0.0.0", "10.0.0.2", None], ranges, default={"country": "??"}) == [None, "??", "??"]


def test_columns_of_any_name_are_left_alone():
    rows = pl.LazyFrame({"ip": ["10.0.0.1"], "number": [1], "first": [2], "last": [3]})
    ranges = pl.LazyFrame({"first": ["10.0.0.0"], "last": ["10.0.0.9"], "found": ["AT"]})
    result = rows.pipe(
        look_up_ip, ranges, ip="ip", span=("first", "last"), columns={"found": "found", "start": "first"}
    )
    assert result.collect().rows(named=True) == [
        {"ip": "10.0.0.1", "number": 1, "first": 2, "last": 3, "found": "AT", "start": "10.0.0.0"}
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"ip": "ips"}, "look_up_ip: there is no column 'ips' (did you mean 'ip'?)"),
        ({"ip": "n"}, "look_up_ip: column 'n' is Int64, expected String"),
        (
            {"span": "network"},
            "look_up_ip (the ranges): there is no column 'network' (known: asn, country, first, last)",
        ),
        ({"span": ("first", "asn")}, "look_up_ip (the ranges): column 'asn' is Int64, expected String"),
        (
            {"span": ("first", "last", "country")},
            "look_up_ip: span=('first', 'last', 'country') must name one column of networks, or two of addresses",
        ),
        ({"columns": {"n": "asn"}}, "look_up_ip: adds the column n, which is there already; rename or drop it"),
        ({"columns": []}, "look_up_ip: `columns` names nothing to look up"),
        ({"default": {"asn": 1}}, "look_up_ip: default names 'asn', which is not looked up (known: country)"),
    ],
)
def test_arguments_that_do_not_fit_are_refused(options, message):
    rows = pl.LazyFrame(schema={"n": pl.Int64, "ip": pl.String})
    ranges = pl.LazyFrame(schema=RANGES | {"asn": pl.Int64})
    with pytest.raises(TransformError) as caught:
        look_up_ip(rows, ranges, **{"ip": "ip", "span": ("first", "last"), "columns": "country"} | options)
    assert str(caught.value) == message


def test_no_rows_and_no_ranges_are_fine():
    assert countries([], [("10.0.0.0", "10.0.0.1", "AT")]) == []
    assert countries(["10.0.0.0", None], []) == [None, None]


def test_it_is_lazy_on_both_sides_and_the_same_on_every_engine_and_in_parts_and_only_the_ranges_leave_the_engine():
    ranges = pl.LazyFrame([("10.0.0.0/8", "AT"), ("10.1.0.0/16", "DE")], schema=NETWORKS, orient="row")

    def transform(rows, ranges=ranges):
        return rows.pipe(look_up_ip, ranges, ip="ip", span="network", columns="country")

    rows = pl.DataFrame({"n": range(50), "ip": ["10.0.0.1", "10.1.0.1", None, "8.8.8.8", "x"] * 10})
    assert_lazy(transform, {"ip": pl.String})
    assert_lazy(lambda table: transform(rows.lazy(), table), NETWORKS)
    assert fallbacks(transform(rows.lazy())) == ["in-memory-map"]
    whole = same_everywhere(transform, rows, sort_by=["n"])
    assert by_parts(transform, rows, "ip").sort("n").equals(whole)
