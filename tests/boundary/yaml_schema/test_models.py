"""Schemas in files as models: for sources, steps and annotations, and for Python to inherit from."""

# ruff: noqa: E501, N805, TC002 - Pandera's checks take cls, and it reads annotations

from __future__ import annotations

import json
import sys
import typing

import pandera.polars as pa
import polars as pl
import pytest
from pandera.api.polars.types import PolarsData

from framework.boundary import compile_contract, load_schema, resolve_schema
from framework.boundary.yaml_schema.model import as_model
from framework.core.project_files import find_file
from framework.core.typed import LazyFrame, frame_schema, is_same_schema, is_schema, schema_home, schema_name
from framework.definition import Pipeline, step, table
from framework.definition.load import load_pipelines
from framework.errors import DefinitionError
from framework.run.compiled import verify
from framework.run.fingerprints import fingerprint
from framework.settings import load_settings
from framework.sources import csv_files, delta_table
from tests.boundary.yaml_schema.telling import demands, read

SALE = """\
schema: Sale
description: One row per sale.
columns:
  id: {type: str, str_matches: "S[0-9]+$"}
  price: {type: "decimal(9, 2)", ge: 0}
  validate: {type: int128, nullable: true}
  odd name: {type: float, nullable: true, lt: 10}
  _hidden: {type: bool, required: false}
rules:
  - {name: cheap, holds: price < 100, message: is too dear, owner: sales}
  - {name: many, holds: COUNT(*) >= 2, severity: warning}
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder of schemas on the path of imports, as loading its pipelines puts it there."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/sale.yaml").write_text(SALE, encoding="utf-8")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    return tmp_path


@pytest.mark.filterwarnings("ignore:.* support is not guaranteed")
def test_a_schema_as_a_model_demands_the_same():
    schema = read(SALE)
    model = as_model(schema)
    assert issubclass(model, pa.DataFrameModel)
    assert demands(model) == demands(schema)
    assert callable(model.validate)  # a column of that name hides no method
    assert (model.id, model.price, model.__doc__) == ("id", "price", "One row per sale.")
    assert model.to_schema().description == "One row per sale."
    assert list(model.to_schema().columns) == ["id", "price", "validate", "odd name", "_hidden"]


def test_python_inherits_from_a_schema_in_a_file(project):
    class Valued(load_schema("schemas/sale.yaml")):
        """One row per sale, with its value."""

        value: float = pa.Field(ge=0)
        price: pl.Decimal(18, 2) = pa.Field(gt=0)

        @pa.dataframe_check(error="is not cheap")
        def cheap(cls, data: PolarsData) -> pl.LazyFrame:
            return data.lazyframe.select(pl.col("price") < 50)

    contract = compile_contract(Valued)
    assert contract.name == "Valued"
    assert set(contract.columns) == {"id", "price", "validate", "odd name", "_hidden", "value"}
    assert contract.columns["price"].dtype == pl.Decimal(18, 2)
    reasons = {rule.reason for rule in contract.rules}
    assert reasons == {"id: must match S[0-9]+$", "odd name: must be < 10", "price: must be > 0", "value: must be >= 0", "is not cheap"}  # fmt: skip
    assert [rule.reason for rule in contract.dataset_rules] == ["breaks rule many"]
    assert schema_home(Valued).endswith("Valued")


def test_a_file_is_one_model_until_it_changes(project):
    first = load_schema("schemas/sale.yaml")
    assert load_schema("schemas/sale.yaml") is first
    assert resolve_schema("schemas/sale.yaml") is first
    assert resolve_schema(first) is first
    assert resolve_schema(None) is None
    (project / "schemas/sale.yaml").write_text(SALE.replace("ge: 0", "ge: 1"), encoding="utf-8")
    second = load_schema("schemas/sale.yaml")
    assert second is not first
    assert demands(second) != demands(first)


def test_a_path_begins_at_the_project_and_last_at_the_current_folder(project, tmp_path_factory, monkeypatch):
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    (elsewhere / "schemas").mkdir()
    for name in ("sale.yaml", "other.yaml"):
        (elsewhere / "schemas" / name).write_text(SALE.replace("Sale", "Other"), encoding="utf-8")
    monkeypatch.chdir(elsewhere)
    assert load_schema("schemas/sale.yaml").__name__ == "Sale"
    assert load_schema("schemas/other.yaml").__name__ == "Other"
    assert find_file(elsewhere / "schemas/sale.yaml") == elsewhere / "schemas/sale.yaml"


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("schemas/sal.yaml", None, "schemas/sal.yaml: there is no such file (did you mean 'schemas/sale.yaml'?)"),
        (
            "nowhere/x.yaml",
            None,
            "nowhere/x.yaml: there is no such file (give its path from the project's folder, such as schemas/sale.yaml)",
        ),
        ("schemas/sale.toml", "", "schemas/sale.toml: is no file of a schema (one that ends in .yaml, .yml, .json)"),
        ("schemas/a.json", "{", "schemas/a.json:1:2: is no JSON: Expecting property name enclosed in double quotes"),
        ("schemas/a.json", "[]", "schemas/a.json: is no JSON Schema of a record: it must be an object"),
        ("schemas/a.json", '{"type": "object", "type": "x"}', "schemas/a.json: key 'type' is given twice"),
        ("schemas/a.json", "[" * 100_000, "schemas/a.json: is no JSON: "),
        ("schemas/a.json", b'{"a": "\xff"}', "schemas/a.json: is no JSON: 'utf-8' codec can't decode"),
    ],
)
def test_a_file_that_is_no_schema_is_refused(project, path, content, expected):
    if content is not None:
        (project / path).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DefinitionError) as caught:
        load_schema(path)
    assert str(caught.value.problems[0]).startswith(expected)
    assert len(caught.value.problems) == 1


def test_json_schemas_are_loaded_as_well(project):
    document = {
        "type": "object",
        "properties": {"price": {"type": "number", "multipleOf": 0.01, "minimum": 0}, "id": {"type": "string"}},
        "required": ["price"],
    }
    (project / "schemas/price.json").write_text(json.dumps(document), encoding="utf-8")
    model = load_schema("schemas/price.json")
    assert (model.__name__, schema_home(model)) == ("price", "schemas/price.json")
    assert [str(column.dtype) for column in model.to_schema().columns.values()] == ["Decimal(precision=18, scale=2)", "String"]  # fmt: skip
    document["properties"]["price"]["minimun"] = 1
    (project / "schemas/price.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_schema("schemas/price.json")
    assert str(caught.value.problems[0]).startswith("schemas/price.json: #/properties/price")


def made(source, *, annotation=None, returns=None):
    """A pipeline whose step takes what its source gives."""

    def kept(sales):
        return sales

    kept.__annotations__ = {"sales": LazyFrame[annotation] if annotation is not None else pl.LazyFrame}
    kept = step(returns=returns if returns is not None else source.schema)(kept)
    return Pipeline("shop.sales", sources={"sales": source}, steps=[kept], outputs=[table("shop/sales", of=kept)])


def test_a_schema_may_be_named_by_its_path_wherever_one_is_given(project):
    model = load_schema("schemas/sale.yaml")
    plain = made(csv_files("*.csv", schema=model), annotation=model, returns=model)
    by_path = made(csv_files("*.csv", schema="schemas/sale.yaml"), annotation=model, returns="schemas/sale.yaml")
    unsaid = made(csv_files("*.csv"), annotation=model, returns=model)
    assert fingerprint(plain) == fingerprint(by_path) == fingerprint(unsaid)
    assert verify(by_path) == []
    assert frame_schema(typing.get_type_hints(by_path.steps[0].function)["sales"]) is model


def test_a_model_in_python_and_one_in_yaml_that_say_the_same_are_one_to_a_plan(project):
    class Sale(pa.DataFrameModel):
        """One row per sale."""

        id: str = pa.Field(str_matches="S[0-9]+$")
        price: pl.Decimal(9, 2) = pa.Field(ge=0)

    text = 'schema: Sale\ncolumns: {id: {type: str, str_matches: "S[0-9]+$"}, price: {type: "decimal(9, 2)", ge: 0}}'
    (project / "schemas/same.yaml").write_text(text, encoding="utf-8")
    in_yaml = made(csv_files("*.csv", schema="schemas/same.yaml"))
    assert fingerprint(in_yaml) == fingerprint(made(csv_files("*.csv", schema=Sale)))


def test_schemas_that_differ_are_told_by_name(project):
    (project / "schemas/other.yaml").write_text(SALE.replace("Sale", "Other"), encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        made(csv_files("*.csv", schema="schemas/sale.yaml"), annotation=load_schema("schemas/other.yaml"))
    assert "step 'kept': takes 'sales' as Other, but it is schemas/sale.yaml (use one schema on both sides)" in str(caught.value)  # fmt: skip


def test_what_is_no_schema_is_refused(project):
    with pytest.raises(DefinitionError) as caught:
        made(delta_table("shop/raw", schema="schemas/sale"), returns="schemas/sale.yaml")
    assert str(caught.value.problems[0]) == (
        "shop.sales, source 'sales': schema='schemas/sale' is no schema "
        "(give a Pandera DataFrameModel, or the path of a file such as schemas/sale.yaml)"
    )


def test_everything_wrong_with_the_file_of_a_source_is_told_when_it_is_checked(project):
    (project / "schemas/sale.yaml").write_text("schema: Sale\ncolumns: {a: itn, b: strng}", encoding="utf-8")
    assert [str(problem) for problem in verify(made(csv_files("*.csv", schema="schemas/sale.yaml")))] == [
        "schemas/sale.yaml:2:14: columns.a: 'itn' is no type; did you mean 'int'?",
        "schemas/sale.yaml:2:22: columns.b: 'strng' is no type; did you mean 'str'?",
    ]


def test_a_broken_file_that_several_modules_load_is_told_once(project):
    package = f"made_{abs(hash(str(project)))}"
    for name in ("__init__", "a", "b"):
        (project / package).mkdir(exist_ok=True)
        text = "" if name == "__init__" else 'from framework import load_schema\nload_schema("schemas/sale.yaml")\n'
        (project / package / f"{name}.py").write_text(text, encoding="utf-8")
    (project / "schemas/sale.yaml").write_text("schema: Sale\ncolumns: {a: itn}", encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        load_pipelines(load_settings(project, packages=(package,)))
    assert [str(p) for p in caught.value.problems] == [
        "schemas/sale.yaml:2:14: columns.a: 'itn' is no type; did you mean 'int'?"
    ]


def test_a_check_of_the_module_that_loads_the_schema_is_refused_with_what_to_do(project):
    name = f"loading_{abs(hash(str(project)))}"
    text = f"schema: S\ncolumns: {{a: int}}\nrules:\n  - python: {name}:check\n"
    (project / "schemas/own.yaml").write_text(text, encoding="utf-8")
    code = 'from framework import load_schema\nS = load_schema("schemas/own.yaml")\ndef check(data): ...\n'
    (project / f"{name}.py").write_text(code, encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        __import__(name)
    assert str(caught.value.problems[0]) == (
        f"schemas/own.yaml:4:13: rules[0].python: module '{name}' is being imported itself; "
        "load this schema in another module than the one that its check is in"
    )


def test_schemas_are_known_by_name_and_file(project):
    model = load_schema("schemas/sale.yaml")

    class Child(model):
        more: int

    assert (schema_name(model), schema_name("schemas/sale.yaml")) == ("Sale", "schemas/sale.yaml")
    assert is_same_schema(model, "schemas/./sale.yaml")
    assert not is_same_schema(model, Child)
    assert not is_same_schema(Child, "schemas/sale.yaml")
    assert not is_same_schema(None, "schemas/sale.yaml")
    assert [is_schema(x) for x in (model, "a.yml", "a.txt", 5, pa.DataFrameSchema())] == [
        True,
        True,
        False,
        False,
        True,
    ]
