"""Features of the past, slowly and from their definitions: plain Python, rows are dicts in the order given."""

from __future__ import annotations

from math import isnan


def known(row: dict, by: list[str], time: str) -> bool:
    return all(row[name] is not None for name in [*by, time])


def same_entity(row: dict, rows: list[dict], by: list[str], time: str) -> list[dict]:
    return [other for other in rows if known(other, by, time) and all(other[name] == row[name] for name in by)]


def null_first(value):
    return (value is not None, 0 if value is None else value)


def lag(rows: list[dict], column: str, columns: list[str], by: list[str], time: str, step: int) -> list:
    """The value in the step-th last of the strictly past rows, which are in order of time and then of the columns."""
    found = []
    for row in rows:
        past = []
        if known(row, by, time):
            past = [other for other in same_entity(row, rows, by, time) if other[time] < row[time]]
        past.sort(key=lambda other: (other[time], *[null_first(other[name]) for name in columns]))
        found.append(past[-step][column] if len(past) >= step else None)
    return found


def past(rows: list[dict], column: str, how: str, by: list[str], time: str, window, include_current: bool) -> list:
    """An aggregate of the rows of an entity in the window before each row; of all before it where there is none."""
    found = []
    for row in rows:
        if not known(row, by, time):
            found.append(None)
            continue
        values = []
        for other in same_entity(row, rows, by, time):
            age = row[time] - other[time]
            nothing = age - age
            if include_current:
                counts = age >= nothing and (window is None or age < window)
            else:
                counts = age > nothing and (window is None or age <= window)
            if counts and other[column] is not None and not (isinstance(other[column], float) and isnan(other[column])):
                values.append(int(other[column]) if isinstance(other[column], bool) else other[column])
        found.append(aggregate(values, how))
    return found


def aggregate(values: list, how: str):
    if how == "count":
        return len(values)
    if how == "sum":
        return sum(values)
    if not values:
        return None
    return {"mean": lambda: float(sum(values)) / len(values), "min": lambda: min(values), "max": lambda: max(values)}[
        how
    ]()


def as_of(
    rows: list[dict], features: list[dict], by: list[str], time: str, features_time: str, max_age, same_instant: bool
) -> list[dict | None]:
    """The last feature row that was known before each row, or at its instant; ties go to the greatest values."""
    found = []
    for row in rows:
        best, best_order = None, None
        for feature in features:
            if not known(row, by, time) or not known(feature, by, features_time):
                continue
            if any(feature[name] != row[name] for name in by):
                continue
            age = row[time] - feature[features_time]
            nothing = age - age
            if age < nothing or (age == nothing and not same_instant) or (max_age is not None and age > max_age):
                continue
            order = (feature[features_time], [null_first(v) for k, v in sorted(feature.items()) if k != features_time])
            if best is None or order > best_order:
                best, best_order = feature, order
        found.append(best)
    return found
