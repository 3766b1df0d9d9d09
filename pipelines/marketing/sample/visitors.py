"""Who visits: people at home, people of the house, robots that say so, and robots that do not."""

from dataclasses import dataclass
from random import Random

from framework.testing import SampleRequest

ROWS_PER_PERSON = 22
FIRST_STAFF, FIRST_BOT, FIRST_BURST = 700_001, 800_001, 850_001
STAFF, BOTS, BURST_BOTS = 6, 8, 3
BROWSERS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_3) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.3 Safari/605",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_3 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/122.0 Mobile Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:123.0) Gecko/20100101 Firefox/123.0",
)
BOT_AGENTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "python-requests/2.31.0",
    "curl/8.5.0",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/121.0.0.0 Safari/537.36",
)
HOMES = (  # (where an address begins, how often)
    ("198.18.{a}.{b}", 50, 127),
    ("198.18.{a}.{b}", 4, 255),
    ("198.19.{a}.{b}", 10, 127),
    ("198.19.{a}.{b}", 12, 255),
    ("2001:db8:1:{a:x}::{b:x}", 12, 255),
    ("2001:db8:2::{a:x}:{b:x}", 6, 255),
    ("2001:db8:9:{a:x}::{b:x}", 3, 255),
)
OFFICES = ("10.{a}.0.{b}", "192.168.{a}.{b}", "2001:db8:ff:{a:x}::{b:x}")
LOYALTY_SKEW = 1.6


@dataclass(frozen=True, slots=True)
class Visitor:
    """One user id with its address and agent; `office` is where a person of the house works, empty for all others."""

    user_id: str
    ip: str
    agent: str
    office: str = ""
    is_bot_agent: bool = False


@dataclass(frozen=True)
class Audience:
    """Everybody who visits in the whole period."""

    people: tuple[Visitor, ...]
    staff: tuple[Visitor, ...]
    bots: tuple[Visitor, ...]
    burst_bots: tuple[Visitor, ...]

    def person(self, dice: Random) -> Visitor:
        """Draw a person; a few come often."""
        return self.people[int(len(self.people) * dice.random() ** LOYALTY_SKEW)]


def build_audience(request: SampleRequest) -> Audience:
    """Draw everybody."""
    dice = request.dice("audience")
    count = max(5, round(request.rows / ROWS_PER_PERSON))
    return Audience(
        people=tuple(_person(f"U{number:06d}", dice) for number in range(1, count + 1)),
        staff=tuple(
            Visitor(
                f"U{FIRST_STAFF + n}", _home(dice), dice.choice(BROWSERS), _address(OFFICES[n % len(OFFICES)], dice)
            )
            for n in range(STAFF)
        ),
        bots=tuple(
            Visitor(f"U{FIRST_BOT + n}", _home(dice), BOT_AGENTS[n % len(BOT_AGENTS)], is_bot_agent=True)
            for n in range(BOTS)
        ),
        burst_bots=tuple(_person(f"U{FIRST_BURST + n}", dice) for n in range(BURST_BOTS)),
    )


def _person(user_id: str, dice: Random) -> Visitor:
    return Visitor(user_id, _home(dice), dice.choice(BROWSERS))


def _home(dice: Random) -> str:
    pattern, _, highest = dice.choices(HOMES, [weight for _, weight, _ in HOMES])[0]
    return _address(pattern, dice, highest)


def _address(pattern: str, dice: Random, highest: int = 255) -> str:
    return pattern.format(a=dice.randint(0, highest), b=dice.randint(1, 254))
