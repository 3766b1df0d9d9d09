"""Agents that name a machine, and people who must not be taken for one."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from framework.errors import TransformError
from framework.transforms.events import BOT_AGENTS, mark_bots
from tests.transforms.engines import assert_lazy, by_parts, fallbacks, same_everywhere

pytestmark = pytest.mark.drawn(2)

MACHINES = """\
Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)
Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)
Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)
Mozilla/5.0 (compatible; Baiduspider/2.0; +http://www.baidu.com/search/spider.html)
Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)
DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; +https://openai.com/gptbot)
Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot
facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)
Twitterbot/1.0
WhatsApp/2.23.20.0
Mediapartners-Google
Screaming Frog SEO Spider/20.0
curl/8.5.0
Wget/1.21.4
python-requests/2.32.3
Python-urllib/3.11
python-httpx/0.27.0
Python/3.12 aiohttp/3.9.5
Go-http-client/2.0
Java/17.0.9
Apache-HttpClient/4.5.14 (Java/17.0.9)
axios/1.7.2
node-fetch/1.0 (+https://github.com/bitinn/node-fetch)
got (https://github.com/sindresorhus/got)
PostmanRuntime/7.39.0
libwww-perl/6.72
GuzzleHttp/7
Scrapy/2.11.2 (+https://scrapy.org)
Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)
Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)
ELB-HealthChecker/2.0
GoogleHC/1.0
kube-probe/1.29
Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/126.0.0.0 Safari/537.36
Mozilla/5.0 (Unknown; Linux x86_64) AppleWebKit/538.1 (KHTML, like Gecko) PhantomJS/2.1.1 Safari/538.1
Mozilla/5.0 (Linux; Android 11; moto g power) AppleWebKit/537.36 Chrome/119.0 Mobile Safari/537.36 Chrome-Lighthouse
Mozilla/5.00 (Nikto/2.1.6) (Evasions:None) (Test:000001)
sqlmap/1.8.4#stable (https://sqlmap.org)
Mozilla/5.0 zgrab/0.x
W3C_Validator/1.3 http://validator.w3.org/services
""".splitlines()

PEOPLE = """\
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36
Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0
Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile
Mozilla/5.0 (Linux; Android 13; CUBOT X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Mobile Safari/537.36
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 [FBAN/FBIOS;FBAV/468.0]
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Mobile/15E148 Instagram 336.0.0
Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 GSA/320.0 Mobile/15E148 Safari/604.1
Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0 YaBrowser/24.6 Safari/537.36
Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) coc_coc_browser/118.0 Chrome/112.0 Safari/537.36
Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0 Mobile
Opera/9.80 (J2ME/MIDP; Opera Mini/9.80; U; en) Presto/2.5.25 Version/10.54
Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) 76.0/6.0 TV Safari/537.36
Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 Slack/4.38 Chrome/124.0 Electron/30.0 Safari/537.36
Dalvik/2.1.0 (Linux; U; Android 14; Pixel 8 Build/AP2A)
okhttp/4.12.0
MyShop/5.2 CFNetwork/1496.0.7 Darwin/23.5.0
""".splitlines()


def marks(agents, **options) -> list:
    rows = pl.LazyFrame({"agent": agents}, schema={"agent": pl.String})
    return rows.pipe(mark_bots, "agent", **options).collect()["is_bot"].to_list()


@pytest.mark.parametrize("agent", MACHINES)
def test_a_machine_is_marked_in_upper_and_lower_case(agent):
    assert marks([agent, agent.upper(), agent.lower()]) == [True, True, True]


@pytest.mark.parametrize("agent", PEOPLE)
def test_people_are_not_marked(agent):
    assert marks([agent, agent.upper()]) == [False, False]


@given(st.lists(st.text("abcBot ", max_size=12), max_size=100), st.lists(st.text("abot", min_size=1), min_size=1))
def test_a_pattern_is_found_anywhere(agents, patterns):
    found = [bool(a.strip()) and any(p.lower() in a.lower() for p in patterns) for a in agents]
    assert marks(agents, patterns=patterns) == found


def test_an_exception_leaves_its_surroundings_to_be_judged():
    assert marks(["Cubot", "Cubot bot", "cu!bot"], patterns=["bot", "!cubot"]) == [False, True, True]
    assert marks(["bcubotot"], patterns=["bot", "!cubot"]) == [False]


@pytest.mark.parametrize("missing", [False, True, None])
def test_a_missing_agent_is_marked_as_asked(missing):
    assert marks([None, "", " \t", "curl/8"], missing=missing) == [missing, missing, missing, True]


def test_the_list_holds_no_pattern_twice_and_none_that_another_one_covers():
    signs = [pattern for pattern in BOT_AGENTS if not pattern.startswith("!")]
    assert len(set(signs)) == len(signs)
    assert [(p, q) for p in signs for q in signs if p != q and q in p] == []
    assert all(pattern == pattern.lower() for pattern in BOT_AGENTS)


@pytest.mark.parametrize("patterns", [[], ["!cubot"], ["bot", ""], ["bot", "! "], "bot"])
def test_patterns_that_would_mark_nothing_or_everything_are_refused(patterns):
    with pytest.raises(TransformError) as caught:
        marks(["x"], patterns=patterns)
    assert str(caught.value) == (
        "mark_bots: patterns must be a list of texts, none of them empty, such as ['bot', 'curl/']"
    )


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ({"agents": pl.String}, "mark_bots: there is no column 'agent' (did you mean 'agents'?)"),
        ({"agent": pl.Int64}, "mark_bots: column 'agent' is Int64, expected String"),
        (
            {"agent": pl.String, "is_bot": pl.Boolean},
            "mark_bots: adds the column is_bot, which is there already; rename or drop it",
        ),
    ],
)
def test_columns_that_do_not_fit_are_refused(schema, message):
    with pytest.raises(TransformError) as caught:
        pl.LazyFrame(schema=schema).pipe(mark_bots, "agent")
    assert str(caught.value) == message


def test_no_rows_are_fine():
    assert marks([]) == []


def test_it_is_lazy_streams_and_is_the_same_on_every_engine_and_in_parts():
    def transform(rows):
        return rows.pipe(mark_bots, "agent")

    rows = pl.DataFrame({"n": range(60), "agent": [*MACHINES[:20], *PEOPLE[:10]] * 2})
    assert_lazy(transform, {"agent": pl.String})
    assert fallbacks(transform(rows.lazy())) == []
    whole = same_everywhere(transform, rows, sort_by=["n"])
    assert by_parts(transform, rows, "agent").sort("n").equals(whole)
    assert transform(rows.lazy()).collect()["n"].to_list() == list(range(60))
