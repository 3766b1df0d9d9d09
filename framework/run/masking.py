"""Masking: values of columns marked sensitive stay in the quarantine, which needs them, and out of what it shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from framework.boundary import MASK
from framework.errors import AuthorError
from framework.run.compiled import contracts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.boundary import Contract
    from framework.definition import Pipeline


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
    raw = row["raw"]
    if contract is not None and not any(spec.is_sensitive for spec in contract.columns.values()):
        return dict(row)
    if not isinstance(raw, dict):
        return {**row, "raw": raw if raw is None else MASK}
    plain = {name for name, spec in contract.columns.items() if not spec.is_sensitive} if contract else set()
    return {**row, "raw": {name: v if name in plain or v is None else MASK for name, v in raw.items()}}
