"""Journeys by their definition, in plain loops over rows given as dictionaries."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import timedelta


def earliest_of_each(conversions: list[dict]) -> list[dict]:
    """One conversion per id, the earliest of its (least) user; all those without an id."""
    kept: dict = {}
    nameless = []
    for row in conversions:
        if row["order"] is None:
            nameless.append(row)
        elif row["order"] not in kept or _rank(row) < _rank(kept[row["order"]]):
            kept[row["order"]] = row
    return [*kept.values(), *nameless]


def _rank(row: dict) -> tuple:
    """Null stands last everywhere."""
    return tuple((row[name] is None, row[name] or 0) for name in ("user", "bought_at", "value"))


def journeys(
    touches: list[dict],
    conversions: list[dict],
    lookback: timedelta,
    *,
    reuse: bool = True,
    max_touches: int | None = None,
) -> list[dict]:
    """One row per touch of a conversion, or one for a conversion without any."""
    kept = earliest_of_each(conversions)
    rows = []
    for conversion in kept:
        path = [t for t in touches if _belongs(t, conversion, lookback) and (reuse or not _taken(t, conversion, kept))]
        path.sort(key=lambda t: (t["at"], t["touch"]))
        if max_touches is not None:
            path = path[-max_touches:]
        for number, touch in enumerate(path, start=1):
            age = (conversion["bought_at"] - touch["at"]).total_seconds()
            rows.append({**touch, **conversion, "position": number, "touches": len(path), "age_s": age})
        if not path:
            rows.append({"touch": None, "ad": None, "at": None, **conversion})
            rows[-1] |= {"position": None, "touches": 0, "age_s": None}
    return rows


def _belongs(touch: dict, conversion: dict, lookback: timedelta) -> bool:
    keys = (touch["user"], touch["at"], conversion["user"], conversion["bought_at"], conversion["order"])
    if any(key is None for key in keys) or touch["user"] != conversion["user"]:
        return False
    return conversion["bought_at"] - lookback <= touch["at"] <= conversion["bought_at"]


def _taken(touch: dict, conversion: dict, kept: list[dict]) -> bool:
    """Whether the user's earlier conversion came at or after the touch; of one instant, the lesser id is earlier."""
    for other in kept:
        if other["user"] != conversion["user"] or other["bought_at"] is None or other["order"] is None:
            continue
        is_earlier = (other["bought_at"], other["order"]) < (conversion["bought_at"], conversion["order"])
        if is_earlier and touch["at"] <= other["bought_at"]:
            return True
    return False
