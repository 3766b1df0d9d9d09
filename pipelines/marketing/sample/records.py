"""What the files say once they are read right: the records from which the key works out what is true."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TypeAlias

from framework.testing import Delivered


@dataclass(frozen=True, slots=True)
class AdRow:
    """What a platform reports of a campaign on a day; `cost` in `currency`, unrounded."""

    platform: str
    campaign_id: str
    campaign: str | None
    day: date
    impressions: int
    clicks: int
    cost: Decimal
    currency: str


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the click-stream; `source`, `medium` and `campaign` are null together where there is no `utm`."""

    event_id: str
    at: datetime
    user_id: str
    ip: str
    agent: str
    kind: str
    url: str
    source: str | None = None
    medium: str | None = None
    campaign: str | None = None
    is_internal: bool = False
    is_bot_agent: bool = False
    is_planned: bool = False


@dataclass(frozen=True, slots=True)
class Conversion:
    """One line of the CRM or of a shop."""

    conversion_id: str
    user_id: str
    at: datetime
    kind: str
    value: Decimal
    currency: str = "EUR"
    is_planned: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """Euros per unit of a currency from a day on."""

    currency: str
    valid_from: date
    rate: Decimal


@dataclass(frozen=True, slots=True)
class ChannelRule:
    """The channel of a utm source and medium."""

    source: str
    medium: str
    channel: str


Record: TypeAlias = AdRow | Event | Conversion | Rate | ChannelRule


@dataclass(frozen=True, slots=True)
class Batch:
    """A file as it arrives, and the records in it that are accepted at once or once their currency is known."""

    file: Delivered
    records: Sequence[Record] = ()
