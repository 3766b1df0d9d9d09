"""Training sets, serving vectors and drift of the features sample, held against slow loops over the raw rows."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

import pytest

from pipelines.features.sample import generate
from tests.oracle.features_lake import FeatureHouse
from tests.oracle.features_reading import NOW
from tests.oracle.features_truth import Known, find_known, ks, psi, smoothed_means, true_features

pytestmark = pytest.mark.drawn(2, by="stops")

DELIVERIES = {"at_once": [(1, 28)], "in_three": [(1, 17), (18, 25), (26, 28)]}
ROWS = 6000
SMOOTHING = 10
MODELS = {"churn": ("churned", "_churn", 1), "value": ("spend_next_14d", "_spend_cents", 100)}
SHARES = {"train": 0.7, "validation": 0.85, "test": 1.0}
same = partial(pytest.approx, rel=1e-9, abs=1e-9)


@dataclass(frozen=True)
class Stop:
    """The tables after one delivery and the run on it, what the raw folder says, and the JSON vectors."""

    tables: dict[str, dict]
    known: Known
    vectors: list[dict]

    def training(self, model: str) -> dict:
        """The training set of a model."""
        return self.tables[f"features/{model}_training"]

    def split(self, model: str, name: str) -> list[dict]:
        """The rows of one split."""
        return [row for row in self.training(model).values() if row["split"] == name]


@pytest.fixture(scope="module", params=["at_once", "in_three"])
def stops(request, tmp_path_factory) -> list[Stop]:
    """The stops of one way of delivery."""
    house = FeatureHouse(tmp_path_factory.mktemp("features"), NOW)
    found: list[Stop] = []
    for deliver in DELIVERIES[request.param]:
        generate(house.raw, rows=ROWS, deliver=deliver)
        house.run()
        vectors = json.loads((house.lake / "_exports/features/serving.json").read_text("utf-8"))
        found.append(Stop(house.tables(), find_known(house.raw), vectors))
    return found


def assert_same(row: dict, expected: dict) -> None:
    """Hold the named values of a row against those expected; floats by tolerance."""
    for name, value in expected.items():
        assert row[name] == (same(value) if isinstance(value, float) else value), name


# --- examples -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_a_training_set_has_every_known_label_with_what_was_known_before_it(stops, model):
    label = MODELS[model][0]
    for stop in stops:
        labelled = {key: row for key, row in stop.known.labels.items() if row[label] is not None}
        assert stop.training(model).keys() == labelled.keys()
        for (user, as_of), row in stop.training(model).items():
            assert row[label] == labelled[user, as_of][label]
            expected = true_features(stop.known, user, as_of)
            assert_same(row, expected)
    assert len(labelled) > 300


@pytest.mark.parametrize("model", MODELS)
def test_labels_that_are_not_known_are_left_out_with_a_count(stops, model):
    label = MODELS[model][0]
    for stop in stops:
        counts: defaultdict[date, Counter] = defaultdict(Counter)
        for (_, as_of), row in stop.known.labels.items():
            counts[as_of].update(labels=1, unlabelled=int(row[label] is None))
        found = stop.tables[f"features/{model}_labels"]
        assert {as_of: (row["labels"], row["unlabelled"]) for (as_of,), row in found.items()} == {
            as_of: (count["labels"], count["unlabelled"]) for as_of, count in counts.items()
        }
    assert sum(count["unlabelled"] for count in counts.values()) > 5


def test_some_users_have_no_profile_yet_and_get_defaults(stops):
    rows = stops[-1].training("churn").values()
    unknown = [row for row in rows if row["plan"] == "unknown"]
    assert unknown
    assert {(row["country"], row["tenure_days"]) for row in unknown} == {("unknown", 0.0)}


# --- splits -------------------------------------------------------------------------------------------------


def test_each_churn_split_has_its_share_of_every_stratum_and_no_user_lies_in_two(stops):
    for stop in stops:
        by_user = defaultdict(list)
        for row in stop.training("churn").values():
            by_user[row["user_id"]].append(row)
        assert all(len({row["split"] for row in rows}) == 1 for rows in by_user.values())
        strata: defaultdict[tuple, Counter] = defaultdict(Counter)
        for rows in by_user.values():
            first = min(rows, key=lambda row: row["as_of"])
            strata[first["as_of"], first["churned"]][first["split"]] += 1
        for found in strata.values():
            size = found.total()
            places = [(rank - 0.5) / size for rank in range(1, size + 1)]
            expected = Counter(next(name for name, end in SHARES.items() if place < end) for place in places)
            assert found == expected
    assert len(strata) > 4


def test_the_value_split_follows_from_the_cut_off(stops):
    for stop in stops:
        expected = {8: "train", 10: "train", 12: "validation", 14: "test"}
        assert all(row["split"] == expected[row["as_of"].day] for row in stop.training("value").values())


def test_a_later_cut_off_moves_no_user_who_was_there_before(stops):
    """By the second of three deliveries all labels of the first cut-off are in."""
    if len(stops) > 1:
        before, after = stops[1].training("churn"), stops[2].training("churn")
        first = {key: row["split"] for key, row in before.items() if key[1] == date(2024, 1, 8)}
        assert len(first) > 80
        assert len(after) > len(before)
        assert {key: after[key]["split"] for key in first} == first
        assert {row["split"] for row in after.values()} == {"train", "validation", "test"}


# --- encodings ----------------------------------------------------------------------------------------------


def target_of(row: dict, model: str) -> float:
    label, _, scale = MODELS[model]
    return float(row[label] * scale)


@pytest.mark.parametrize("model", MODELS)
def test_encodings_are_learned_from_the_training_split_alone(stops, model):
    for stop in stops:
        training = stop.split(model, "train")
        found = stop.tables[f"features/{model}_encodings"]
        for column in ("plan", "country") if training else ():
            means, prior = smoothed_means([(row[column], target_of(row, model)) for row in training], SMOOTHING)
            learned = {key[2]: row for key, row in found.items() if key[:2] == ("target", column) and not key[3]}
            assert {value: row["encoding"] for value, row in learned.items()} == same(means)
            assert found["target", column, None, True]["encoding"] == same(prior)
            assert sum(row["rows"] for row in learned.values()) == len(training)
    shares = {key[2]: row["encoding"] for key, row in found.items() if key[0] == "frequency" and not key[3]}
    countries = Counter(row["country"] for row in training)
    assert shares == same({country: count / len(training) for country, count in countries.items()})


@pytest.mark.parametrize("model", MODELS)
def test_rows_that_were_not_learned_from_have_the_encodings_of_the_table(stops, model):
    suffix = MODELS[model][1]
    others = [row for name in ("validation", "test") for row in stops[-1].split(model, name)]
    assert len(others) > 50
    assert_encoded(others, stops[-1].tables[f"features/{model}_encodings"], suffix)


def assert_encoded(rows: list[dict], encodings: dict, suffix: str) -> None:
    for row in rows:
        for column in ("plan", "country"):
            prior = encodings["target", column, None, True]
            learned = encodings.get(("target", column, row[column], False), prior)
            assert row[f"{column}{suffix}"] == learned["encoding"]
        share = encodings.get(("frequency", "country", row["country"], False))
        assert row[f"country{suffix}_share"] == (share["encoding"] if share else 0.0)


@pytest.mark.parametrize("model", MODELS)
def test_a_training_row_has_what_the_users_of_the_other_folds_taught(stops, model):
    suffix = MODELS[model][1]
    training = stops[-1].split(model, "train")
    folds = find_folds(training, suffix)
    assert len(folds) == 5
    for fold in folds:
        others = [row for row in training if row["user_id"] not in fold]
        for column in ("plan", "country"):
            means, prior = smoothed_means([(row[column], target_of(row, model)) for row in others], SMOOTHING)
            for row in training:
                if row["user_id"] in fold:
                    assert row[f"{column}{suffix}"] == same(means.get(row[column], prior))


def find_folds(training: list[dict], suffix: str) -> list[set[str]]:
    """Users with the same encoding of the same category are in one fold, and so are those they share it with."""
    folds: list[set[str]] = []
    together = defaultdict(set)
    for row in training:
        for column in ("plan", "country"):
            together[column, row[column], row[f"{column}{suffix}"]].add(row["user_id"])
    for users in together.values():
        met = [fold for fold in folds if fold & users]
        folds = [fold for fold in folds if not fold & users] + [users.union(*met)]
    return folds


# --- serving ------------------------------------------------------------------------------------------------


def test_every_user_is_served_with_what_is_known_after_the_newest_day(stops):
    for stop in stops:
        found = stop.tables["features/serving_features"]
        assert {user for (user,) in found} == {*stop.known.events, *stop.known.payments, *stop.known.profiles}
        times = [rows[-1]["at"] for rows in (*stop.known.events.values(), *stop.known.payments.values())]
        as_of = max(times).date() + timedelta(days=1)
        for (user,), row in found.items():
            expected = {"as_of": as_of, **true_features(stop.known, user, as_of)}
            assert_same(row, expected)


@pytest.mark.parametrize("model", MODELS)
def test_the_serving_is_encoded_with_what_the_models_were_trained_with(stops, model):
    stop = stops[-1]
    encodings = stop.tables[f"features/{model}_encodings"]
    assert_encoded(list(stop.tables["features/serving_features"].values()), encodings, MODELS[model][1])


def test_before_there_are_labels_the_serving_has_defaults(stops):
    if len(stops) > 1:
        assert not stops[0].training("churn")
        row = next(iter(stops[0].tables["features/serving_features"].values()))
        assert (row["plan_churn"], row["country_spend_cents"], row["country_churn_share"]) == (0, 0, 0)


def test_vectors_hold_the_features_in_the_order_of_their_names_and_nothing_else(stops):
    for stop in stops:
        vectors, features = stop.tables["features/serving"], stop.tables["features/serving_features"]
        assert vectors.keys() == features.keys()
        for key, row in vectors.items():
            named = dict(zip(row["names"], row["vector"], strict=True))
            numbers = {name: value for name, value in features[key].items() if isinstance(value, float)}
            assert named == numbers
        assert len({tuple(row["names"]) for row in vectors.values()}) == 1


def test_the_json_file_holds_the_vectors_of_the_table_by_user(stops):
    for stop in stops:
        table = stop.tables["features/serving"]
        assert [record["user_id"] for record in stop.vectors] == sorted(user for (user,) in table)
        for record in stop.vectors:
            row = table[record["user_id"],]
            assert record == {**row, "as_of": str(row["as_of"])}


def test_amounts_are_kept_as_decimals_where_they_are_targets(stops):
    rows = stops[-1].training("value").values()
    assert all(isinstance(row["spend_next_14d"], Decimal) for row in rows)


# --- drift --------------------------------------------------------------------------------------------------


def test_drift_measures_those_served_who_were_seen_lately_against_the_training_split(stops):
    stop = stops[-1]
    training = stop.split("churn", "train")
    served = [row for row in stop.tables["features/serving_features"].values() if row["days_since_active"] <= 7]
    for (feature,), row in stop.tables["features/drift"].items():
        values, reference = [one[feature] for one in served], [one[feature] for one in training]
        assert (row["rows"], row["reference_rows"]) == (len(values), len(reference))
        assert row["psi"] == same(psi(values, reference))
        assert row["ks"] == (None if isinstance(values[0], str) else same(ks(values, reference)))
        assert row["is_drifting"] == (row["is_watched"] and row["psi"] >= 0.25)


def test_the_drift_that_was_planted_is_found_and_no_other(stops):
    assert [f for (f,), row in stops[-1].tables["features/drift"].items() if row["is_drifting"]] == ["phone_share_7d"]
    assert sum(row["is_watched"] for row in stops[-1].tables["features/drift"].values()) == 7


def test_without_anything_to_hold_it_against_nothing_drifts(stops):
    if len(stops) > 1:
        found = stops[0].tables["features/drift"].values()
        assert {(row["psi"], row["reference_rows"], row["is_drifting"]) for row in found} == {(None, 0, False)}
