"""Two users and a handful of events, worked out by hand: the feature tables before and after a late event."""

import json
import os
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import polars as pl
import pytest

from framework.core.events import Event, listening
from tests.oracle.features_lake import FeatureHouse

pytestmark = pytest.mark.drawn(3, by="completed")

NOW = datetime(2024, 2, 1, tzinfo=UTC)
USERS = """\
user_id,signed_up,country,plan,exported
US000001,2023-12-01,DE,plus,2024-01-01
US000002,2023-12-31,,free,2024-01-03
"""
LABELS = """\
user_id,as_of,churned,spend_next_14d
US000001,2024-01-03,0,5.50
US000002,2024-01-03,1,
US000001,2024-01-09,,
US000002,2024-01-09,maybe,0.00
"""


def at(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2024, 1, day, hour, minute, second, tzinfo=UTC)


def event(number: int, user: int, moment: datetime, kind: str, device: str | None, category: str | None) -> dict:
    return {
        "event_id": f"EV{number:08d}",
        "user_id": f"US{user:06d}",
        "at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "kind": kind,
        "device": device,
        "category": category,
        "duration_s": None,
    }


# 10:00 and 10:30 are one session, as exactly 30 minutes lie between; 11:00:01 is a second too late for it.
# The search before midnight and the view after it are one session, which began on the 2nd.
EVENTS = [
    event(1, 1, at(1, 10), "view", "phone", "toys"),
    event(2, 1, at(1, 10, 30), "add_to_cart", "phone", "toys"),
    event(3, 1, at(1, 11, 0, 1), "checkout", "desktop", "toys"),
    event(4, 2, at(2, 23, 50), "search", None, None),
    event(5, 2, at(3, 0, 10), "view", "phone", "books"),
    event(6, 2, at(3, 0, 11), "hover", "phone", "books"),
]
LATE = [event(7, 1, at(1, 10, 45), "view", "phone", "toys")]
"""Lies between the two sessions of that morning, which so become one."""


def deliver(house: FeatureHouse, path: str, content: str, moment: datetime) -> None:
    target = house.raw / "features" / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(content)
    os.utime(target, (moment.timestamp(), moment.timestamp()))


def deliver_opening(house: FeatureHouse) -> None:
    deliver(house, "events/week.ndjson", "".join(f"{json.dumps(one)}\n" for one in EVENTS), at(9, 1))
    deliver(house, "users/all.csv", USERS, at(9, 1))
    deliver(house, "labels/all.csv", LABELS, at(23, 1))
    path = house.raw / "features/transactions/week.parquet"
    path.parent.mkdir(parents=True)
    payments = {
        "transaction_id": ["TR00000001", "TR00000002"],
        "user_id": ["US000001", "US000001"],
        "at": [at(1, 11, 0, 5), at(8, 9)],
        "amount": [Decimal("20.00"), Decimal("5.50")],
        "category": ["toys", None],
    }
    pl.DataFrame(payments, schema_overrides={"amount": pl.Decimal(18, 2)}).write_parquet(path)


def deliver_late_event(house: FeatureHouse) -> None:
    deliver(house, "events/late.ndjson", "".join(f"{json.dumps(one)}\n" for one in LATE), at(10, 1))


@pytest.fixture(scope="module")
def opened(tmp_path_factory) -> FeatureHouse:
    house = FeatureHouse(tmp_path_factory.mktemp("opened"), NOW)
    deliver_opening(house)
    house.run()
    return house


@pytest.fixture(scope="module")
def then(opened, tmp_path_factory) -> FeatureHouse:
    house = opened.copy(tmp_path_factory.mktemp("then"))
    deliver_late_event(house)
    house.run()
    return house


@pytest.fixture(scope="module")
def at_once(tmp_path_factory) -> FeatureHouse:
    house = FeatureHouse(tmp_path_factory.mktemp("at_once"), NOW)
    deliver_opening(house)
    deliver_late_event(house)
    house.run()
    return house


@pytest.fixture(scope="module")
def rebuilt(then, tmp_path_factory) -> FeatureHouse:
    house = then.copy(tmp_path_factory.mktemp("rebuilt"))
    house.run(full=True)
    return house


@pytest.fixture(scope="module", params=["then", "at_once", "rebuilt"])
def completed(request) -> FeatureHouse:
    """The late event came in a second run, or with all the rest, or a rebuild came last."""
    return request.getfixturevalue(request.param)


SESSION = (
    "session_start session_number session_end duration_s events views searches carts checkouts categories"
    " phone_events is_bounce"
)


def session(user: str, *values: object) -> dict:
    return {"user_id": user, **dict(zip(SESSION.split(), values, strict=True))}


SECOND = session("US000002", at(2, 23, 50), 1, at(3, 0, 10), 1200.0, 2, 1, 1, 0, 0, 1, 1, False)
BEFORE = [
    session("US000001", at(1, 10), 1, at(1, 10, 30), 1800.0, 2, 1, 0, 1, 0, 1, 2, False),
    session("US000001", at(1, 11, 0, 1), 2, at(1, 11, 0, 1), 0.0, 1, 0, 0, 0, 1, 1, 0, True),
    SECOND,
]
AFTER = [session("US000001", at(1, 10), 1, at(1, 11, 0, 1), 3601.0, 4, 2, 0, 1, 1, 1, 3, False), SECOND]


def assert_sessions(house: FeatureHouse, expected: list[dict]) -> None:
    assert house.table("features/session_features") == {(row["user_id"], row["session_start"]): row for row in expected}


def test_the_opening_gives_the_sessions_worked_out_by_hand(opened):
    assert_sessions(opened, BEFORE)


def test_the_late_event_makes_one_session_of_two(completed):
    assert_sessions(completed, AFTER)


def test_only_the_user_of_the_late_event_is_computed_again(opened, tmp_path):
    house = opened.copy(tmp_path)
    deliver_late_event(house)
    heard: list[Event] = []
    with listening(heard.append):
        house.run()
    assert [event.message for event in heard if event.name == "touched"] == [
        "features/session_features: 1 values of user_id to recompute",
        "features/user_days: 1 values of user_id to recompute",
    ]


def test_an_event_that_comes_again_with_another_day_is_there_once(opened, tmp_path):
    house = opened.copy(tmp_path)
    moved = event(3, 1, at(4, 9), "checkout", "desktop", "toys")
    deliver(house, "events/correction.ndjson", f"{json.dumps(moved)}\n", at(10, 1))
    house.run()
    assert house.table("features/events")["EV00000003",]["day"] == date(2024, 1, 4)
    starts = {start for user, start in house.table("features/session_features") if user == "US000001"}
    assert starts == {at(1, 10), at(4, 9)}


def test_the_bad_rows_are_open(opened):
    assert opened.pending() == [
        ("features.events", "features/events/week.ndjson", 6, "open"),
        ("features.labels", "features/labels/all.csv", 5, "open"),
    ]


DAY = (
    "events_7d events_28d phone_events_7d sessions_7d sessions_28d checkouts_28d orders_28d spend_7d spend_28d"
    " spend_before active_days_before last_active_day events_lag_1 events_lag_7"
)


def known(*values: object) -> dict:
    return dict(zip(DAY.split(), values, strict=True))


TWENTY, NOTHING = Decimal("20.00"), Decimal("0.00")
FIRST, EIGHTH = date(2024, 1, 1), date(2024, 1, 8)
PAID = (Decimal("5.50"), Decimal("25.50"), Decimal("25.50"))
DAYS = {
    ("US000001", 1): known(0, 0, 0, 0, 0, 0, 0, NOTHING, NOTHING, NOTHING, 0, None, None, None),
    ("US000001", 2): known(4, 4, 3, 1, 1, 1, 1, TWENTY, TWENTY, TWENTY, 1, FIRST, 4, None),
    ("US000001", 8): known(4, 4, 3, 1, 1, 1, 1, TWENTY, TWENTY, TWENTY, 1, FIRST, 0, 4),
    ("US000001", 9): known(0, 4, 0, 0, 1, 1, 2, *PAID, 2, EIGHTH, 0, 0),
    ("US000002", 3): known(1, 1, 0, 1, 1, 0, 0, NOTHING, NOTHING, NOTHING, 1, date(2024, 1, 2), 1, None),
    ("US000002", 4): known(2, 2, 1, 1, 1, 0, 0, NOTHING, NOTHING, NOTHING, 2, date(2024, 1, 3), 1, None),
}


@pytest.mark.parametrize(("user", "day"), DAYS)
def test_a_day_begins_with_what_was_known_by_then(completed, user, day):
    row = completed.table("features/user_days")[user, date(2024, 1, day)]
    assert {name: row[name] for name in DAY.split()} == DAYS[user, day]


def test_a_user_has_days_until_all_windows_are_empty_again(completed):
    days = [day for user, day in completed.table("features/user_days") if user == "US000001"]
    assert sorted(days) == [FIRST + timedelta(days=number) for number in range(7 + 29 + 1)]


def test_labels_that_are_not_known_are_left_out_with_a_count(completed):
    assert set(completed.table("features/churn_training")) == {
        ("US000001", date(2024, 1, 3)),
        ("US000002", date(2024, 1, 3)),
    }
    assert set(completed.table("features/value_training")) == {("US000001", date(2024, 1, 3))}
    counts = {key: (row["labels"], row["unlabelled"]) for key, row in completed.table("features/churn_labels").items()}
    assert counts == {(date(2024, 1, 3),): (2, 0), (date(2024, 1, 9),): (1, 1)}


def test_an_export_of_the_day_itself_is_not_known_when_the_day_begins(completed):
    rows = completed.table("features/churn_training")
    first, second = rows["US000001", date(2024, 1, 3)], rows["US000002", date(2024, 1, 3)]
    assert (first["plan"], first["country"], first["tenure_days"]) == ("plus", "DE", 33.0)
    assert (second["plan"], second["country"], second["tenure_days"]) == ("unknown", "unknown", 0.0)


def test_encodings_lie_between_a_category_and_the_mean_of_all_which_counts_as_ten_rows(completed):
    """One user left and one stayed: the mean is 0.5, so the two plans have (0 + 5) / 11 and (1 + 5) / 11."""
    encodings = completed.table("features/churn_encodings")
    rates = {key[2]: row["encoding"] for key, row in encodings.items() if key[:2] == ("target", "plan")}
    assert rates == {"plus": pytest.approx(5 / 11), "unknown": pytest.approx(6 / 11), None: 0.5}


def test_a_training_row_is_encoded_by_the_other_user_alone(completed):
    """Neither has the other's plan, so each gets the mean of the other: 1 and 0."""
    rows = completed.table("features/churn_training")
    assert {user: row["plan_churn"] for (user, _), row in rows.items()} == {"US000001": 1.0, "US000002": 0.0}
    assert {row["split"] for row in rows.values()} == {"train"}


# In the order of the vector: profile and activity, then the rates of churn, then the spend in cents.
VECTORS = {
    "US000001": [39, 1, 0, 4, 0, 0, 0, 1, 1, 2, 0, 5.5, 25.5, 25.5, 2, 5 / 11, 5 / 11, 0.5, 550, 550, 1.0],
    "US000002": [9, 6, 2, 2, 0, 1, 1, 1, 0, 0, 0.5, 0, 0, 0, 2, 0.5, 6 / 11, 0.5, 550, 550, 0.0],
}


@pytest.mark.parametrize("user", VECTORS)
def test_the_vector_served_is_the_one_worked_out_by_hand(completed, user):
    row = completed.table("features/serving")[user,]
    assert row["as_of"] == date(2024, 1, 9)
    assert row["vector"] == pytest.approx(VECTORS[user])
    path = completed.lake / "_exports/features/serving.json"
    served = {record["user_id"]: record["vector"] for record in json.loads(path.read_text())}
    assert served[user] == row["vector"]
