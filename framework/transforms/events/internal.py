"""Traffic from inside: addresses held against networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from framework.errors import TransformError
from framework.transforms.arguments import require_absent, require_columns, require_type
from framework.transforms.events.addresses import number_of, read_networks

if TYPE_CHECKING:
    from collections.abc import Sequence

PRIVATE_NETWORKS = (
    "10.0.0.0/8",  # private: RFC 1918
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",  # private: RFC 4193
    "127.0.0.0/8",  # this host: RFC 1122
    "::1/128",
    "169.254.0.0/16",  # this link: RFC 3927
    "fe80::/10",
    "100.64.0.0/10",  # behind a carrier's or a cluster's translation, seen by those inside only: RFC 6598
)
"""Networks that no address of the public internet is in."""


def mark_internal(
    rows: pl.LazyFrame, ip: str, *, networks: Sequence[str] = PRIVATE_NETWORKS, into: str = "is_internal"
) -> pl.LazyFrame:
    """Mark the rows whose address is in one of some networks. One row per row given, in the same order.

    Lazy, streaming. Networks are CIDR text, IPv4 or IPv6; a single address is a network of its own. An IPv4 address
    mapped into IPv6 (`::ffff:10.0.0.1`) counts as IPv4, the zone of an IPv6 address (`fe80::1%eth0`) for nothing. The
    mark is null where the address is null or cannot be read (a port, a list of addresses, blanks around it): a filter
    that keeps such rows is `~pl.col("is_internal").fill_null(False)`. Work per row grows with the number of networks;
    for thousands of them, `look_up_ip`. Adds `into`.

    Raises:
        TransformError: at definition, when a column is not there or no text, or a network cannot be read.

    >>> visits = pl.LazyFrame({"ip": ["192.168.1.7", "::ffff:10.0.0.1", "93.184.216.34", "unknown"]})
    >>> visits.pipe(mark_internal, "ip").collect()["is_internal"].to_list()
    [True, True, False, None]
    """
    schema = require_columns(rows, "mark_internal", [ip])
    require_type(schema, "mark_internal", ip, lambda t: isinstance(t, pl.String), "String")
    require_absent(schema, "mark_internal", [into])
    if isinstance(networks, str) or not networks:
        raise TransformError(f"mark_internal: networks={networks!r} must be a list of networks such as ['10.0.0.0/8']")
    number = pl.col(into)
    within = [number.is_between(pl.lit(a, pl.UInt128), pl.lit(b, pl.UInt128)) for a, b in _bounds(networks)]
    # Two steps, so that each address is read once, however many networks there are.
    return rows.with_columns(number_of(pl.col(ip)).alias(into)).with_columns(pl.any_horizontal(within).alias(into))


def _bounds(networks: Sequence[str]) -> list[tuple[int, int]]:
    """The networks as numbers."""
    return read_networks(networks, "mark_internal")
