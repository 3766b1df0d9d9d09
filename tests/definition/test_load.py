"""Finding the pipelines of a project, selecting some, and ordering them by the tables they share."""

# ruff: noqa: E501 - messages are compared literally

from __future__ import annotations

import re
import sys
import textwrap

import pandera.polars as pa
import pytest

from framework.definition import Pipeline, table
from framework.definition.load import load_pipelines
from framework.definition.selection import select, upstream_of
from framework.errors import ConfigurationError, DefinitionError, SelectionError
from framework.settings import load_settings
from framework.sources import csv_files, delta_table

HEAD = """
import pandera.polars as pa
from framework import Pipeline, csv_files, delta_table, table

class Row(pa.DataFrameModel):
    id: int

def made(name, reads=None, writes=None):
    source = delta_table(reads, schema=Row) if reads else csv_files("*.csv", schema=Row)
    writes = writes or name.replace(".", "/")
    return Pipeline(name, sources={"rows": source}, outputs=[table(writes, of="rows")])
"""


@pytest.fixture
def project(tmp_path, monkeypatch):
    """Write modules of a package named after the test, and load its pipelines."""
    package = f"made_{abs(hash(str(tmp_path)))}"
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in [n for n in __import__("os").environ if n.startswith("SLUICE_")]:
        monkeypatch.delenv(name)

    def load(modules: dict[str, str], packages=None):
        for path, text in {"__init__.py": "", **modules}.items():
            target = tmp_path / package / path
            target.parent.mkdir(parents=True, exist_ok=True)
            (target.parent / "__init__.py").touch()
            target.write_text(textwrap.dedent(text), encoding="utf-8")
        return load_pipelines(load_settings(tmp_path, packages=packages or (package,)))

    load.package = package
    yield load
    for name in [n for n in sys.modules if n.partition(".")[0] == package]:
        del sys.modules[name]


def test_pipelines_of_all_modules_are_found_by_name(project):
    found = project({"b.py": HEAD + "x = made('retail.b')", "deep/a.py": HEAD + "y = made('retail.a'); z = y"})
    assert list(found) == ["retail.a", "retail.b"]


def test_module_with_an_underscore_is_private(project):
    assert project({"_draft.py": "raise RuntimeError('unfinished')"}) == {}


def test_pipeline_that_is_imported_elsewhere_counts_once(project):
    found = project({"a.py": HEAD + "x = made('retail.a')", "b.py": f"from {project.package}.a import x"})
    assert list(found) == ["retail.a"]


def test_everything_wrong_with_a_project_is_reported_at_once(project):
    modules = {
        "a.py": HEAD + "x = made('retail.a')",
        "b.py": "import nowhere_to_be_found",
        "c.py": "1 / 0",
        "d.py": "def broken(:",
        "e.py": HEAD + "x = Pipeline('Retail', sources={}, outputs=[])",
        "f.py": HEAD + "x = made('retail.a', writes='retail/other')",
        "g.py": HEAD + "x = made('retail.g', writes='retail/a')",
        "h/__init__.py": "raise ValueError('in a package')",
        "h/i.py": "",
        "j/__init__.py": HEAD + "x = Pipeline('j', sources={}, outputs=[])",
    }
    with pytest.raises(DefinitionError) as caught:
        project(modules)
    p = project.package
    found = [str(problem) for problem in caught.value.problems]
    assert found[2].startswith(f"{p}.d: cannot be imported: SyntaxError: ")
    assert found[:2] + found[3:] == [
        f"{p}.b: cannot be imported: ModuleNotFoundError: No module named 'nowhere_to_be_found'",
        f"{p}.c: cannot be imported: ZeroDivisionError: division by zero",
        "Retail: 'Retail' is no pipeline name (lower case words with dots, such as retail.daily_sales)",
        "Retail: has no output (add outputs=[table(...)])",
        f"retail.a: is defined in {p}.a and in {p}.f (give each pipeline its own name)",
        f"{p}.h: cannot be imported: ValueError: in a package",
        "j: has no output (add outputs=[table(...)])",
        "table 'retail/a': is written by retail.a and by retail.g (a table has one writer)",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("raise ValueError('no')", "{p}: cannot be imported: ValueError: no"),
        ("import nowhere_to_be_found", "{p}: cannot be imported: No module named 'nowhere_to_be_found'"),
        (HEAD + "x = Pipeline('j', sources={}, outputs=[])", "j: has no output (add outputs=[table(...)])"),
    ],
    ids=range(3),
)
def test_package_that_cannot_be_imported_is_a_problem_of_the_project(project, text, expected):
    with pytest.raises(DefinitionError) as caught:
        project({"__init__.py": text})
    assert [str(problem) for problem in caught.value.problems] == [expected.format(p=project.package)]


def test_package_that_is_not_there_is_a_setting_to_change(project, tmp_path):
    text = f"package 'nothing_here' is not in {tmp_path}; create it, name another in `packages`, or use --project"
    with pytest.raises(ConfigurationError, match=f"^{re.escape(text)}$"):
        project({}, packages=("nothing_here",))


def test_pipelines_in_a_circle_are_named(project):
    with pytest.raises(DefinitionError, match=r"pipelines: go in a circle: .*retail\.a.* \(break the circle\)"):
        project({"a.py": HEAD + "x = made('retail.a', reads='retail/b'); y = made('retail.b', reads='retail/a')"})


class Row(pa.DataFrameModel):
    id: int


def made(name: str, *reads: str) -> Pipeline:
    sources = {f"t{i}": delta_table(table_name, schema=Row) for i, table_name in enumerate(reads)}
    sources = sources or {"t0": csv_files("*.csv", schema=Row)}
    outputs = [table(f"{name.replace('.', '/')}_{key}", of=key) for key in sources]
    return Pipeline(name, sources=sources, outputs=outputs)


ALL = {
    p.name: p
    for p in [
        made("retail.z_raw"),
        made("retail.daily", "retail/sales_t0"),
        made("retail.sales", "retail/z_raw_t0"),
        made("finance.report", "retail/daily_t0", "elsewhere/table"),
        made("retailer"),
    ]
}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], ["retail.z_raw", "retailer", "retail.sales", "retail.daily", "finance.report"]),
        (["retail"], ["retail.z_raw", "retail.sales", "retail.daily"]),
        (["retail.daily"], ["retail.daily"]),
        (["finance", "retail.sales"], ["retail.sales", "finance.report"]),
        (["retailer", "retailer"], ["retailer"]),
    ],
)
def test_selected_pipelines_run_after_those_they_read_from(names, expected):
    assert [p.name for p in select(ALL, names)] == expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("retail.dialy", "no pipeline is called 'retail.dialy'; did you mean 'retail.daily' or 'retail.sales'?"),
        ("retial", "no pipeline is called 'retial'; did you mean 'retail' or 'retailer'?"),
        ("xyz", "no pipeline is called 'xyz'; known: finance, finance.report, retail, retail.daily, retail.sales, retail.z_raw, retailer"),
    ],
)  # fmt: skip
def test_unknown_name_is_told_with_the_nearest(name, text):
    with pytest.raises(SelectionError) as caught:
        select(ALL, [name])
    assert str(caught.value) == text


def test_nothing_to_select_from():
    assert select({}) == []
    with pytest.raises(SelectionError, match=r"^no pipeline is called 'x'; there are none$"):
        select({}, ["x"])


def test_upstream_pipelines_are_those_whose_tables_are_read():
    assert upstream_of(ALL["finance.report"], ALL) == {"retail.daily"}
    assert upstream_of(ALL["retail.z_raw"], ALL) == set()
