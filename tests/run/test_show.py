"""One call opens any node of a pipeline: in full, on a sample, or on frames of one's own."""

import polars as pl
import pytest

from framework import scan_table, show, table_version
from framework.errors import ConfigurationError, SelectionError
from framework.run.flow import run_pipeline
from framework.run.request import RunRequest
from framework.settings import Settings

PIPELINES = """
import pandera.polars as pa
import polars as pl
from framework import LazyFrame, Pipeline, csv_files, delta_table, step, table

class Order(pa.DataFrameModel):
    order_id: str
    user_id: int
    amount: int = pa.Field(ge=0)

class Total(pa.DataFrameModel):
    user_id: int
    amount: int

@step(returns=Order)
def large(orders: LazyFrame[Order], least: int = 0) -> pl.LazyFrame:
    return orders.filter(pl.col("amount") >= least)

@step(returns=Total)
def totals(orders: LazyFrame[Order]) -> pl.LazyFrame:
    return orders.group_by("user_id").agg(pl.col("amount").sum())

orders = Pipeline("t.orders", sources={"orders": csv_files("*.csv", sample_by="user_id")}, steps=[large],
    outputs=[table("t/orders", of=large, mode="merge", key="order_id")])
sums = Pipeline("t.totals", sources={"orders": delta_table("t/orders", sample_by="user_id")}, steps=[totals],
    outputs=[table("t/totals", of=totals)])
copies = Pipeline("t.copies", sources={"totals": delta_table("t/totals", schema=Total)},
    outputs=[table("t/copies", of="totals")])
"""


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shown")
    (folder / "shown_pipelines").mkdir()
    (folder / "shown_pipelines/__init__.py").write_text(PIPELINES)
    (folder / "sluice.toml").write_text('packages = ["shown_pipelines"]\n')
    (folder / "data/raw").mkdir(parents=True)
    lines = [f"o{n},{n % 500},{n}" for n in range(2_000)]
    (folder / "data/raw/a.csv").write_text("\n".join(["order_id,user_id,amount", *lines, "bad,1,-1"]) + "\n")
    return folder


@pytest.fixture(scope="module")
def ran(project):
    from framework.definition.load import load_pipelines

    settings = Settings(project=project, packages=("shown_pipelines",))
    for name in ("t.orders", "t.totals"):
        run_pipeline(load_pipelines(settings)[name], settings, RunRequest())
    return project


def test_a_node_is_opened_without_a_run_and_without_rows_that_break_rules(project):
    assert show("t.orders:orders", limit=10_000, project=project).height == 2_000
    assert show("t.orders", project=project).height == 1_000


def test_parameters_are_given_by_name(project):
    found = show("t.orders", parameters={"least": 1_990}, project=project)
    assert sorted(found["amount"]) == list(range(1_990, 2_000))


def test_a_sample_holds_whole_users_and_the_same_ones_from_files_and_tables(ran):
    files = show("t.orders", limit=10_000, sample=0.1, project=ran)
    tables = show("t.totals:orders", limit=10_000, sample=0.1, project=ran)
    assert set(files["user_id"]) == set(tables["user_id"])
    assert 0.05 < files["user_id"].n_unique() / 500 < 0.15
    assert files.group_by("user_id").len()["len"].unique().to_list() == [4]


def test_a_table_is_scanned_at_the_version_asked_for(ran):
    assert scan_table("t/orders", project=ran).collect().height == 2_000
    assert scan_table("t/orders", version=0, project=ran).collect().height == 0
    assert table_version("t/orders", project=ran) == 1
    with pytest.raises(SelectionError, match=r"no table is called 't/order'; did you mean 't/orders'\?"):
        scan_table("t/order", project=ran)


def test_frames_of_ones_own_stand_in_for_sources(tmp_path, project):
    (tmp_path / "sluice.toml").write_text('packages = ["shown_pipelines"]\n')
    (tmp_path / "shown_pipelines").symlink_to(project / "shown_pipelines")
    orders = pl.DataFrame({"order_id": ["a", "b"], "user_id": [1, 1], "amount": [2, 3]})
    assert show("t.totals", inputs={"orders": orders}, project=tmp_path).rows() == [(1, 5)]


@pytest.mark.parametrize(
    ("node", "options", "error", "message"),
    [
        ("t.order", {}, SelectionError, "no pipeline is called 't.order'; did you mean 't.orders'?"),
        ("t.orders:larg", {}, SelectionError, "t.orders has no source or step 'larg'; did you mean 'large'?"),
        ("t.orders", {"inputs": {"order": None}}, SelectionError, "no source 'order' to stand in for; did you mean"),
        ("t.orders", {"sample": 2}, ConfigurationError, "sample=2: expected a fraction above 0 and up to 1"),
    ],
)
def test_what_cannot_be_opened_is_told_with_the_nearest_name(project, node, options, error, message):
    with pytest.raises(error) as caught:
        show(node, project=project, **options)
    assert message in str(caught.value)


def test_a_sample_that_is_everything_says_so(ran):
    words = "t.copies: totals read whole, as none of them names a column in sample_by"
    with pytest.warns(UserWarning, match=words):
        found = show("t.copies", sample=0.5, limit=1_000, project=ran)
    assert found.height == 500


def test_a_table_that_is_not_there_yet_is_named(tmp_path, project):
    (tmp_path / "sluice.toml").write_text('packages = ["shown_pipelines"]\n')
    (tmp_path / "shown_pipelines").symlink_to(project / "shown_pipelines")
    with pytest.raises(ConfigurationError, match=r"t.totals reads t/orders; run the pipeline that writes it first"):
        show("t.totals", project=tmp_path)
