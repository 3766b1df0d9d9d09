"""What the events transforms must give, worked out row by row."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network


def fill_last_known(rows, *, max_age=None):
    """Rows are (key, time, value): the value of each after filling, and whether it was filled."""
    return [_filled(row, rows, max_age) for row in rows]


def _filled(row, rows, max_age):
    key, time, value = row
    if value is not None or key is None or time is None:
        return value, False
    known = [(t, v) for k, t, v in rows if k == key and t is not None and t < time and v is not None]
    if not known or (max_age is not None and time - max(known)[0] > max_age):
        return None, False
    return max(known)[1], True


def is_internal(text, networks):
    """Whether an address is in one of the networks, as `ipaddress` reads them; None when it is no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return any(address in network for network in map(ip_network, networks))


def look_up(keys, table, default):
    """Keys of rows, and table rows (key, value): the value of each, and whether it was found. Nulls sort last."""
    found = []
    for key in keys:
        values = [v for k, v in table if k == key and key is not None]
        known = sorted(v for v in values if v is not None)
        found.append((known[0] if known else None, True) if values else (default, False))
    return found


def in_burst(rows, *, limit, within):
    """Rows are (key, time): whether some window of the length holds each and more than `limit` rows of its key.

    A window that holds a row and begins before the first row in it can begin there as well and lose none.
    """
    return [_in_burst(row, rows, limit, within) for row in rows]


def _in_burst(row, rows, limit, within):
    key, time = row
    if key is None or time is None:
        return False
    times = [t for k, t in rows if k == key and t is not None]
    windows = [[t for t in times if start <= t < start + within] for start in times]
    return any(len(window) > limit and time in window for window in windows)


def look_up_ip(text, ranges):
    """Ranges are (first, last, value), addresses as text: the value where the address is, and whether it was found."""
    number = _number(text)
    holding = []
    for first_text, last_text, value in ranges:
        first, last = _number(first_text), _number(last_text)
        if None not in (number, first, last) and first <= number <= last:
            holding.append((-first, last, value is None, value))
    if not holding:
        return None, False
    best = min(holding, key=lambda found: found[:3] + ((found[3],) if found[3] is not None else ()))
    return best[3], True


def _number(text):
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return int(address) if isinstance(address, IPv6Address) else int(IPv6Address(f"::ffff:{address}"))
