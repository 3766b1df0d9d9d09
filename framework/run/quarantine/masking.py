"""Masking: values of columns marked sensitive stay in the quarantine, which needs them, and out of what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.boundary import MASK
from framework.errors import AuthorError
from framework.run.compiled import contracts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from framework.boundary import Contract
    from framework.definition import Pipeline


VALUES = ("raw", "mended")
"""The columns of a quarantined row that hold values."""


def schemas_of(pipeline: Pipeline | None) -> Mapping[str, Contract]:
    """The contracts of a pipeline's sources; none where it is not defined any more, or cannot be compiled."""
    try:
        return contracts(pipeline) if pipeline is not None else {}
    except AuthorError:
        return {}


def mask_row(row: Mapping[str, Any], known: Mapping[str, Contract]) -> dict[str, Any]:
    """Give a quarantined row, its raw values parsed, without the values of sensitive columns.

    Where a source has any, names that its schema does not know are masked too: a column that was renamed, or a line
    that could not be split, holds the same. Of a source that is not known all is masked.
    """
    contract = known.get(row["source"])
    values = {name: _masked(row[name], contract) for name in VALUES if name in row}
    return {
        **row,
        **values,
        **({"trail": [_masked_entry(e, contract) for e in row["trail"]]} if "trail" in row else {}),
    }


def _masked(values: Any, contract: Contract | None) -> Any:
    if not isinstance(values, dict):
        return values if values is None or _is_open(contract) else MASK
    hidden = hidden_columns(contract, values)
    return {name: MASK if name in hidden and value is not None else value for name, value in values.items()}


def _masked_entry(entry: Any, contract: Contract | None) -> Any:
    return {**entry, "set": _masked(entry["set"], contract)} if isinstance(entry, dict) and "set" in entry else entry


def _is_open(contract: Contract | None) -> bool:
    return contract is not None and not any(spec.is_sensitive for spec in contract.columns.values())


def hidden_columns(contract: Contract | None, names: Iterable[str]) -> set[str]:
    """The names whose values must not be shown; see `mask_row`."""
    if _is_open(contract):
        return set()
    plain = {name for name, spec in contract.columns.items() if not spec.is_sensitive} if contract else set()
    return set(names) - plain
