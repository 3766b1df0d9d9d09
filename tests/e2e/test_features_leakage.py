"""Nothing that happens after a cut-off changes a training row, and nothing outside the training split an encoding."""

import json
from datetime import date, timedelta
from decimal import Decimal
from random import Random

import polars as pl
import pytest

from pipelines.features.sample import generate
from tests.oracle.features_lake import FeatureHouse
from tests.oracle.features_reading import NOW, Row
from tests.oracle.features_truth import Known, find_known, midnight

pytestmark = pytest.mark.drawn(2)

ROWS = 3000
LAST_CUTOFF = date(2024, 1, 14)
SETS = ("churn_training", "value_training", "churn_encodings", "value_encodings")
LEARNED = ("plan_churn", "country_churn", "country_churn_share")
LEARNED += ("plan_spend_cents", "country_spend_cents", "country_spend_cents_share")

Rows = dict[str, list[Row]]


def rows_of(known: Known) -> Rows:
    """All good rows, by source."""
    return {name: [dict(row) for row in source.good.values()] for name, source in known.sources.items()}


def deliver(house: FeatureHouse, rows: Rows) -> None:
    """Write the rows as one file per source."""
    folder = house.raw / "features"
    for name in rows:
        (folder / name).mkdir(parents=True)
    lines = [{**row, "at": row["at"].strftime("%Y-%m-%dT%H:%M:%SZ"), "day": None} for row in rows["events"]]
    (folder / "events/all.ndjson").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    schema = {"at": pl.Datetime("us", "UTC"), "amount": pl.Decimal(18, 2)}
    pl.DataFrame(rows["transactions"], schema_overrides=schema).write_parquet(folder / "transactions/all.parquet")
    for name in ("users", "labels"):
        pl.DataFrame(rows[name], infer_schema_length=None).write_csv(folder / name / "all.csv")


def changed_from(rows: Rows, cutoff: date, dice: Random) -> Rows:
    """Let everything from the beginning of a day on happen at another time, be another thing, or not happen at all."""
    begin = midnight(cutoff)

    def moved(row: Row, **other: object) -> list[Row]:
        if row["at"] < begin:
            return [row]
        return [row | {"at": begin + timedelta(seconds=dice.randrange(14 * 86_400)), **other}][: dice.random() > 0.3]

    return {
        "events": [
            one
            for row in rows["events"]
            for one in moved(row, kind=dice.choice(["view", "checkout"]), device=dice.choice(["phone", None]))
        ],
        "transactions": [
            one for row in rows["transactions"] for one in moved(row, amount=Decimal(dice.randrange(10**6)) / 100)
        ],
        "users": [row if row["exported"] < cutoff else row | {"plan": "pro", "country": "XX"} for row in rows["users"]],
        "labels": rows["labels"],
    }


@pytest.fixture(scope="module")
def rows(tmp_path_factory) -> Rows:
    folder = tmp_path_factory.mktemp("sample")
    generate(folder, rows=ROWS)
    return rows_of(find_known(folder))


def run(folder, rows: Rows) -> dict[str, dict]:
    house = FeatureHouse(folder, NOW)
    deliver(house, rows)
    house.run()
    return house.tables()


@pytest.fixture(scope="module")
def tables(rows, tmp_path_factory) -> dict[str, dict]:
    """The tables of the rows as they are."""
    return run(tmp_path_factory.mktemp("as_they_are"), rows)


def features_of(tables: dict[str, dict], model: str, until: date) -> dict[tuple, Row]:
    """The rows of a training set up to a cut-off, without what was learned from other rows."""
    return {
        key: {name: value for name, value in row.items() if name not in LEARNED}
        for key, row in tables[f"features/{model}_training"].items()
        if key[1] <= until
    }


def test_what_happens_from_the_last_cut_off_on_changes_nothing_in_a_training_set(rows, tables, tmp_path):
    changed = run(tmp_path, changed_from(rows, LAST_CUTOFF, Random(1)))
    assert changed["features/user_days"] != tables["features/user_days"]
    assert changed["features/serving"] != tables["features/serving"]
    for name in SETS:
        assert changed[f"features/{name}"] == tables[f"features/{name}"]


@pytest.mark.parametrize("day", [8, 11])
def test_what_happens_from_a_cut_off_on_changes_no_feature_of_it_or_of_an_earlier_one(rows, tables, tmp_path, day):
    cutoff = date(2024, 1, day)
    changed = run(tmp_path, changed_from(rows, cutoff, Random(day)))
    for model in ("churn", "value"):
        before, after = (features_of(found, model, cutoff) for found in (tables, changed))
        assert before == after
        assert len(before) > 20
        later = date(2024, 1, 14)
        assert features_of(tables, model, later) != features_of(changed, model, later)


def test_what_happened_a_second_before_a_cut_off_counts(rows, tables, tmp_path):
    user, cutoff = next(iter(features_of(tables, "churn", date(2024, 1, 8))))
    moment = midnight(cutoff) - timedelta(seconds=1)
    extra = {"event_id": "EV99999999", "user_id": user, "at": moment, "kind": "view", "device": "phone"}
    more = {**rows, "events": [*rows["events"], extra | {"category": None, "duration_s": None, "day": None}]}
    before, after = (features_of(found, "churn", cutoff) for found in (tables, run(tmp_path, more)))
    assert after[user, cutoff]["events_7d"] == before[user, cutoff]["events_7d"] + 1
    assert {key for key in before if before[key] != after[key]} == {(user, cutoff)}


def test_labels_outside_the_training_split_teach_nothing(rows, tables, tmp_path):
    """Spend after the cut-offs of validation and test is another; the encodings and the training split are not."""
    labels = [
        row | {"spend_next_14d": Decimal("9999.99")}
        if row["as_of"] >= date(2024, 1, 12) and row["spend_next_14d"] is not None
        else row
        for row in rows["labels"]
    ]
    changed = run(tmp_path, {**rows, "labels": labels})
    assert changed["features/value_encodings"] == tables["features/value_encodings"]
    before, after = (found["features/value_training"] for found in (tables, changed))
    differing = {before[key]["split"] for key in before if before[key] != after[key]}
    assert differing == {"validation", "test"}
