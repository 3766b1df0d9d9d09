"""A check that is made already, where Pandera expects a method to make one of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pandera.api.dataframe.model_components import CheckInfo

if TYPE_CHECKING:
    import pandera.polars as pa


class MadeCheck(CheckInfo):
    """A check of rows by which Pandera (0.35) takes an attribute of a model for one of its own."""

    def __init__(self, check: pa.Check) -> None:
        super().__init__(check)
        self.check = check

    def to_check(self, model_cls: type) -> pa.Check:  # noqa: ARG002 - the signature is Pandera's
        """Give the check."""
        return self.check
