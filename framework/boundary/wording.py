"""Plain words for rules: what a quarantined row and a failed run say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pandera import Check

LONGEST_LIST = 20
_WORDS = {
    "greater_than": "must be > {min_value}",
    "greater_than_or_equal_to": "must be >= {min_value}",
    "less_than": "must be < {max_value}",
    "less_than_or_equal_to": "must be <= {max_value}",
    "in_range": "must be within {min_value} and {max_value}",
    "equal_to": "must be {value}",
    "not_equal_to": "must not be {value}",
    "isin": "must be one of {allowed_values}",
    "notin": "must be none of {forbidden_values}",
    "str_matches": "must match {pattern}",
    "str_contains": "must contain {pattern}",
    "str_startswith": "must start with {string}",
    "str_endswith": "must end with {string}",
    "str_length": "must have {length} characters",
    "unique_values_eq": "must take exactly the values {values}",
}


def rule_name(check: Check) -> str:
    """The name of a check: what its author calls it, or what Pandera does."""
    return str(check.name or check.registry_name or "check")


def message_of(check: Check) -> str:
    """Say what a value must be like: the author's own words (`error=`), or plain ones for built-in checks."""
    given = str(check.error or "")
    words = _WORDS.get(str(check.registry_name))
    if given and not (words and given.startswith(f"{check.registry_name}(")):
        return given
    if words is None:
        return f"breaks rule {rule_name(check)}"
    statistics = {name: _told(value) for name, value in (check.statistics or {}).items()}
    return words.format(**statistics, length=_length(check.statistics or {})) + _ends(check)


def _ends(check: Check) -> str:
    """Say which end of a range is left out."""
    statistics = check.statistics or {}
    if check.registry_name != "in_range":
        return ""
    left_out = [str(statistics[end]) for end in ("min_value", "max_value") if not statistics[f"include_{end[:3]}"]]
    return f", without {' and '.join(left_out)}" if left_out else ""


def _told(value: Any) -> Any:
    if not isinstance(value, list | tuple | set | frozenset):
        return getattr(value, "pattern", value)
    values = sorted(value, key=str) if isinstance(value, set | frozenset) else list(value)
    more = len(values) - LONGEST_LIST
    return values if more <= 0 else f"[{', '.join(map(repr, values[:LONGEST_LIST]))} and {more} more]"


def _length(statistics: dict[str, Any]) -> str:
    if statistics.get("exact_value") is not None:
        return f"exactly {statistics['exact_value']}"
    least, most = statistics.get("min_value"), statistics.get("max_value")
    if least is None or most is None:
        return f"at most {most}" if least is None else f"at least {least}"
    return f"{least} to {most}"
