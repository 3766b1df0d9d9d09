"""Marketing campaigns: when they run, what they promote, and how they have performed so far."""

from dataclasses import dataclass
from datetime import date, timedelta

from framework.testing import SampleRequest
from pipelines.retail.sample.catalogue import CATEGORIES

FIRST_START_DAY = 2
START_EVERY_DAYS = 9
ANNOUNCED_DAYS_AHEAD = 7
UPLIFT = 1.25
NAMES = (
    "Winter Sale",
    "Fête d'hiver",
    "Frühlingsgrüße 🌷",
    'Big "B" Deal',
    "Back to School",
    "Últimas rebajas",
)


@dataclass(frozen=True, slots=True)
class Campaign:
    """One campaign; `first_day` and `last_day` count from the sample's day 1, both inclusive."""

    campaign_id: str
    name: str
    first_day: int
    last_day: int
    target_categories: tuple[str, ...]
    impressions_per_day: int
    click_rate: float
    conversion_rate: float
    revenue_per_conversion: float

    def runs_on(self, day: int) -> bool:
        """Return whether it runs on a day."""
        return self.first_day <= day <= self.last_day

    def record(self, start: date, day: int) -> dict[str, object]:
        """Return its document with the performance up to the morning of a day."""
        elapsed = min(max(day - self.first_day, 0), self.last_day - self.first_day + 1)
        impressions = elapsed * self.impressions_per_day
        clicks = int(impressions * self.click_rate)
        conversions = int(clicks * self.conversion_rate)
        return {
            "campaign_id": self.campaign_id,
            "name": self.name,
            "start_date": str(start + timedelta(days=self.first_day - 1)),
            "end_date": str(start + timedelta(days=self.last_day - 1)),
            "target_categories": list(self.target_categories),
            "performance": {
                "impressions": impressions,
                "clicks": clicks,
                "conversions": conversions,
                "revenue": round(conversions * self.revenue_per_conversion, 2),
            },
        }


def build_campaigns(request: SampleRequest) -> list[Campaign]:
    """Draw campaigns for the whole period; the first one runs before and into it."""
    starts = [-3, *range(FIRST_START_DAY, request.days + 1, START_EVERY_DAYS)]
    return [_draw(request, number, first_day) for number, first_day in enumerate(starts, start=1)]


def announced_by(campaigns: list[Campaign], day: int) -> list[Campaign]:
    """Return the campaigns that are known on a day."""
    return [campaign for campaign in campaigns if campaign.first_day <= day + ANNOUNCED_DAYS_AHEAD]


def promoted_on(campaigns: list[Campaign], day: int) -> set[str]:
    """Return the categories that are promoted on a day."""
    return {category for campaign in campaigns if campaign.runs_on(day) for category in campaign.target_categories}


def uplifts(campaigns: list[Campaign], days: int) -> list[float]:
    """Return the factor on each day's sales, day 1 first."""
    return [UPLIFT if promoted_on(campaigns, day) else 1.0 for day in range(1, days + 1)]


def _draw(request: SampleRequest, number: int, first_day: int) -> Campaign:
    dice = request.dice("campaign", number)
    return Campaign(
        campaign_id=f"CMP{number:03d}",
        name=f"{NAMES[number % len(NAMES)]} {number}",
        first_day=first_day,
        last_day=first_day + dice.randint(4, 6),
        target_categories=tuple(dice.sample(CATEGORIES, dice.randint(1, 2))),
        impressions_per_day=dice.randint(2_000, 40_000),
        click_rate=dice.uniform(0.02, 0.08),
        conversion_rate=dice.uniform(0.02, 0.1),
        revenue_per_conversion=dice.uniform(15, 90),
    )
