"""How a column is to be read: formats, zones, words, separators, null tokens and the losses it allows.

Declared per column in Pandera's `Field(metadata={...})`; docs/reference/casts.md describes every key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from fractions import Fraction

    from framework.core.source import Absent, Empty, Nan

Ambiguous = Literal["refuse", "earliest", "latest"]
ROUND, TRUNCATE, DROP_SURPLUS = "round", "truncate", "drop_surplus"


@dataclass(frozen=True)
class Reading:
    """What a column's raw values may look like beyond the strict default, and which losses are allowed.

    `null_tokens`, `nan`, `empty` and `absent` are None where the column says nothing, so that its source may.
    """

    formats: tuple[str, ...] = ()
    zone: str | None = None
    ambiguous: Ambiguous = "refuse"
    true_words: tuple[str, ...] = ()
    false_words: tuple[str, ...] = ()
    null_tokens: tuple[str, ...] | None = None
    nan: Nan | None = None
    empty: Empty | None = None
    absent: Absent | None = None
    decimal_comma: bool = False
    thousands: tuple[str, ...] = ()
    currency: tuple[str, ...] = ()
    units: tuple[tuple[str, Fraction], ...] = ()
    time_unit: str | None = None
    encoding: str | None = None
    lossy: tuple[str, ...] = ()

    @property
    def has_number_form(self) -> bool:
        """Whether numbers in text may stand in another form than digits and a point."""
        return bool(self.decimal_comma or self.thousands or self.currency or self.units)

    @property
    def rounding(self) -> Literal["round", "truncate"] | None:
        """What to do with digits for which a number's type has no room; None: refuse the value."""
        if ROUND in self.lossy:
            return "round"
        return "truncate" if TRUNCATE in self.lossy else None

    @property
    def cuts_times(self) -> bool:
        """Whether what is finer than a time's type is cut off."""
        return TRUNCATE in self.lossy

    @property
    def drops_surplus(self) -> bool:
        """Whether items beyond an array's width, and fields that a struct does not have, are dropped."""
        return DROP_SURPLUS in self.lossy


STRICT = Reading()
"""Nothing declared: the usual forms, no loss."""
