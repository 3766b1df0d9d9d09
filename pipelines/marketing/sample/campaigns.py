"""The campaigns of three ad platforms, what they deliver per day, and where else visitors come from."""

from dataclasses import dataclass
from decimal import Decimal

from framework.testing import SampleRequest
from pipelines.marketing.sample.calendar import factor_of
from pipelines.marketing.sample.records import AdRow

PAID_CLICKS_PER_ROW = 0.11
"""Clicks that all platforms together count per event of the click-stream."""
PLACES = {"search": 6, "social": 2, "display": 4}
"""Decimal places in which a platform states costs."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a visit comes from: the utm values of its first click, and how often such a visit converts."""

    source: str | None
    medium: str | None
    campaign: str | None
    weight: float
    strength: float


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign of a platform.

    Attributes:
        share: Of all clicks on ads.
        click_rate: Clicks per impression.
        click_cost: Cost of a click in its currency.
        strength: Share of visits from it that convert.
        first_day: 1-based day on which it begins.
    """

    platform: str
    campaign_id: str
    name: str
    currency: str
    share: float
    click_rate: float
    click_cost: float
    strength: float
    first_day: int = 1

    @property
    def origin(self) -> Origin:
        """Where its clicks come from in the click-stream."""
        source, medium = UTM[self.platform]
        return Origin(source, medium, self.campaign_id, self.share, self.strength)


UTM = {"search": ("searchly", "cpc"), "social": ("chirper", "paid_social"), "display": ("bannernet", "display")}
CAMPAIGNS = (
    Campaign("search", "SA-1001", "Brand", "EUR", 0.16, 0.09, 0.52, 0.12),
    Campaign("search", "SA-1002", "Running shoes", "EUR", 0.14, 0.045, 1.35, 0.072),
    Campaign("search", "SA-1003", "Größe 40+", "EUR", 0.08, 0.04, 1.65, 0.032),
    Campaign("search", "SA-1004", "UK generic", "GBP", 0.10, 0.05, 1.2, 0.064),
    Campaign("social", "SO-2001", "Spring looks 🌷", "EUR", 0.13, 0.012, 0.83, 0.048),
    Campaign("social", "SO-2002", "Retargeting", "EUR", 0.10, 0.02, 1.05, 0.096),
    Campaign("social", "SO-2003", "US launch", "USD", 0.09, 0.011, 1.42, 0.019, first_day=8),
    Campaign("display", "DI-3001", "Reach DACH", "EUR", 0.09, 0.004, 0.6, 0.019),
    Campaign("display", "DI-3002", "Suisse romande", "CHF", 0.06, 0.005, 0.75, 0.032),
    Campaign("display", "DI-3003", "Prospecting", "EUR", 0.05, 0.003, 0.9, 0.008, first_day=4),
)
OTHER_ORIGINS = (
    Origin("searchly", "organic", None, 0.30, 0.048),
    Origin("newsletter", "email", None, 0.16, 0.08),
    Origin("partnerly", "referral", None, 0.06, 0.04),
    Origin("mystery", "popup", None, 0.02, 0.003),
    Origin(None, None, None, 0.26, 0.064),
)


def origins_on(day: int) -> list[Origin]:
    """Return where visits of a day come from."""
    return [campaign.origin for campaign in CAMPAIGNS if campaign.first_day <= day] + list(OTHER_ORIGINS)


def reported(request: SampleRequest, campaign: Campaign, day: int, known: float = 1.0) -> AdRow:
    """Return a campaign's numbers of a day.

    Args:
        request: The sample asked for.
        campaign: The campaign.
        day: The day reported on.
        known: The share of them that the platform has counted so far.
    """
    dice = request.dice("ads", campaign.campaign_id, day)
    usual = request.rows / request.days * PAID_CLICKS_PER_ROW * campaign.share * factor_of(request, day)
    clicks = round(usual * dice.uniform(0.8, 1.2) * known) + 1
    impressions = max(clicks, round(clicks / campaign.click_rate * dice.uniform(0.9, 1.1)))
    cost = Decimal(clicks * campaign.click_cost * dice.uniform(0.85, 1.15))
    return AdRow(
        platform=campaign.platform,
        campaign_id=campaign.campaign_id,
        campaign=None if campaign.platform == "display" else campaign.name,
        day=request.date_of(day),
        impressions=impressions,
        clicks=clicks,
        cost=round(cost, PLACES[campaign.platform]),
        currency=campaign.currency,
    )


def running(platform: str, day: int) -> list[Campaign]:
    """Return the campaigns of a platform that have begun by a day."""
    return [one for one in CAMPAIGNS if one.platform == platform and one.first_day <= day]
