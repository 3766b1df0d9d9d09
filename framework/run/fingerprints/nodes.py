"""The identity of every source and step of a pipeline: what its rows are made by, back to the sources."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from framework.boundary import conform, contract_rules
from framework.core.clock import at_run_time
from framework.core.source import FileSource
from framework.run.compiled import EPOCH, contracts, empty_inputs, planning
from framework.run.fingerprints.forms import digest, dtype_form
from framework.run.fingerprints.plans import StandIn, expression_form, plan_form
from framework.run.fingerprints.pruned import pruned, root_names
from framework.run.fingerprints.values import Describing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from framework.boundary import Contract
    from framework.core.source import Source
    from framework.definition import Pipeline, Step
    from framework.run.fingerprints.pruned import Need


@dataclass(frozen=True)
class Node:
    """A source or step as plain data: its own plan over stand-ins for its inputs, its columns, and its rules.

    `rules`: of each the columns that it reads (None: any) and its form. `own`: what else its boundary holds or does.
    `frame`: its plan, lazy, where it is a step that is known without a run. `functions`: the project's Python functions
    that it calls, each with its hash. `told`: its rules in words.
    """

    form: Any
    columns: tuple[str, ...]
    dtypes: dict[str, Any]
    rules: tuple[tuple[Need, Any], ...]
    own: Any
    is_whole: bool = False
    frame: pl.LazyFrame | None = None
    functions: Mapping[str, str] = field(default_factory=dict)
    told: tuple[str, ...] = ()


@dataclass(frozen=True)
class Nodes:
    """All nodes of a pipeline, with the parameters they were built with."""

    every: dict[str, Node]
    _known: dict[tuple[str, Need], str] = field(default_factory=dict)

    def fingerprint(self, name: str) -> str:
        """The identity of a node: all its columns, in their order, and all that its boundary holds."""
        node = self.every[name]
        own = [node.own, [form for _, form in node.rules]]
        return digest([self.content(name, None), list(node.dtypes.items()), own])

    def own(self, name: str) -> str:
        """The identity of a node alone: not of what its inputs are made by."""
        node = self.every[name]
        form = pruned(node.form, frozenset(node.columns), lambda other, need: [other, sorted(need or ())])
        return digest([form, [one for _, one in node.rules], node.own, list(node.dtypes.items())])

    def content(self, name: str, need: Need) -> str:
        """The identity of some columns of a node's rows (None: all of them, in their order)."""
        node = self.every[name]
        wanted = None if need is None or node.is_whole else need & frozenset(node.columns)
        if (name, wanted) not in self._known:
            self._known[name, wanted] = self._content(node, wanted)
        return self._known[name, wanted]

    def _content(self, node: Node, need: Need) -> str:
        asked = frozenset(node.columns) if need is None else need
        made = pruned(node.form, asked, self.content)
        held = [form for reads, form in node.rules if reads is None or reads <= asked]
        types = sorted((name, dtype) for name, dtype in node.dtypes.items() if name in asked)
        order = list(node.columns) if need is None else None
        return digest([made, held, types, order])


def node_fingerprints(
    pipeline: Pipeline, parameters: Mapping[str, Any] | None = None, *, moment: datetime = EPOCH
) -> dict[str, str]:
    """The identity of every source and step: a hash of the plan from the pipeline's sources to it, without data.

    It depends on what its rows are made by, and on nothing else: neither on names of variables, nor on columns before
    it that it does not read, nor on the process or machine. It holds for one version of Polars and Python.

    Args:
        pipeline: The pipeline.
        parameters: Run parameters by name; others have their defaults. A step that needs one without a value is known
            by its code.
        moment: What `run_time()` is. With the time of a run, steps whose plans use it are others in each run, and no
            step else is: so rows that depend on the time are not taken for those of an earlier run.

    Raises:
        DefinitionError: when a Python function of a plan has captured a value that cannot be told apart from others.
        StepError: when a step's plan cannot be built.
    """
    nodes = read_nodes(pipeline, parameters, moment)
    return {name: nodes.fingerprint(name) for name in nodes.every}


def read_nodes(pipeline: Pipeline, parameters: Mapping[str, Any] | None = None, moment: datetime = EPOCH) -> Nodes:
    """Read the sources and steps of a pipeline; see `node_fingerprints`."""
    values = parameter_values(pipeline, parameters or {})
    with at_run_time(moment):
        known = contracts(pipeline)
        inputs = empty_inputs(pipeline, known)
        found = {name: _of_source(pipeline, name, known, inputs) for name in pipeline.sources}
        schemas = {name: frame.collect_schema() for name, frame in inputs.items()}
        held: dict[int, _Held] = {}  # many steps may have one schema
        for step in pipeline.steps:
            contract = known[step.name]
            if id(contract) not in held:
                held[id(contract)] = _held(step, contract)
            found[step.name] = node = _of_step(step, contract, held[id(contract)], schemas, values)
            schemas[step.name] = known[step.name].schema if node.frame is None else node.frame.collect_schema()
    return Nodes(found)


def parameter_values(pipeline: Pipeline, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of run parameters as the steps get them: those given, and defaults where there are any."""
    from pydantic import TypeAdapter

    known = {p.name: p for step in pipeline.steps for p in step.parameters}
    return {
        name: TypeAdapter(parameter.annotation).validate_python(given.get(name, parameter.default))
        for name, parameter in known.items()
        if name in given or not parameter.is_required
    }


def _of_source(
    pipeline: Pipeline, name: str, known: Mapping[str, Contract], inputs: Mapping[str, pl.LazyFrame]
) -> Node:
    """A source. Which rows of a file are refused depends on all of its boundary; a table's rows are as they are."""
    source = pipeline.sources[name]
    if name not in known:
        return Node(["source", _kind_of(source)], (), {}, (), None, is_whole=True)
    schema = inputs[name].collect_schema()
    dtypes = {column: dtype_form(dtype) for column, dtype in schema.items()}
    hooks = [hook.function for hook in pipeline.hooks_at("after_read", name) if hook.changes]
    changing = Describing(f"source '{name}'").form(hooks)
    if not isinstance(source, FileSource):
        return Node(["table", source.table, changing], tuple(schema), dtypes, (), None, is_whole=bool(hooks))
    others = {one.source for one in source.references} | ({source.otherwise.source} if source.otherwise else set())
    met = [[other, _file_form(pipeline, other, known)] for other in sorted(others)]
    form = ["files", _file_form(pipeline, name, known), met, changing]
    return Node(form, tuple(schema), dtypes, (), None, is_whole=True, told=_told(known[name]))


def _file_form(pipeline: Pipeline, name: str, known: Mapping[str, Contract]) -> Any:
    """How files become rows: how they are read, and what their boundary does, refuses and fills."""
    source, contract = pipeline.sources[name], known.get(name)
    describing = Describing(f"source '{name}'")
    if not isinstance(source, FileSource) or contract is None:
        return _kind_of(source)
    read = (source.format, source.options, source.nulls, source.on_invalid, source.references, source.otherwise)
    rules = [form for _, form in _rules(contract, describing)]
    return [describing.form(read), _boundary(contract, describing), rules]


def _kind_of(source: Source) -> str:
    return source.format if isinstance(source, FileSource) else source.table


@dataclass(frozen=True)
class _Held:
    """What a step's boundary holds: its rules over rows, all else of it, and the Python functions in both."""

    rules: tuple[tuple[Need, Any], ...]
    own: Any
    functions: dict[str, str]


def _held(step: Step, contract: Contract) -> _Held:
    describing = Describing(f"step '{step.name}'")
    return _Held(_rules(contract, describing), _boundary(contract, describing), describing.functions)


def _of_step(
    step: Step, contract: Contract, held: _Held, schemas: Mapping[str, pl.Schema], values: Mapping[str, Any]
) -> Node:
    """A step: its plan over stand-ins, or its code where it needs a value that is not there."""
    describing = Describing(f"step '{step.name}'")
    describing.functions.update(held.functions)
    rules, own = held.rules, held.own
    dtypes = {name: dtype_form(dtype) for name, dtype in contract.schema.items()}
    is_known = all(name in schemas for name in step.inputs)
    if not is_known or any(p.is_required and p.name not in values for p in step.parameters):
        inputs = [StandIn(name, pl.Schema()).frame() for name in step.inputs]
        form = ["code", describing.form(step.function), [plan_form(one, describing.form) for one in inputs]]
        return Node(form, tuple(dtypes), dtypes, rules, own, True, None, describing.functions, _told(contract))
    arguments = {name: StandIn(name, schemas[name]).frame() for name in step.inputs}
    given = {p.name: values[p.name] for p in step.parameters if p.name in values}
    with planning(f"step '{step.name}'", step.name) as ask:
        frame = conform(ask(step.function, **arguments, **given), contract, step.name)
        schema = frame.collect_schema()
    form, every = plan_form(frame, describing.form), {name: dtype_form(dtype) for name, dtype in schema.items()}
    return Node(form, tuple(schema), every, rules, own, False, frame, describing.functions, _told(contract))


def _told(contract: Contract) -> tuple[str, ...]:
    """The rules of a boundary in words."""
    rules: list[Any] = [*contract_rules(contract), *contract.dataset_rules]
    return tuple(one.reason if one.severity == "error" else f"{one.reason} ({one.severity})" for one in rules)


def _rules(contract: Contract, describing: Describing) -> tuple[tuple[Need, Any], ...]:
    """The rules over rows, each with the columns that it reads."""
    found = []
    for rule in contract_rules(contract):
        holds = expression_form(rule.holds, describing.form)
        reads = root_names(holds)
        own = frozenset([rule.column] if rule.column else []) | frozenset(rule.keys)
        form = [rule.reason, rule.severity, holds, rule.is_window, list(rule.keys)]
        found.append((None if reads is None else reads | own, form))
    return tuple(found)


def _boundary(contract: Contract, describing: Describing) -> Any:
    """What a boundary does and holds beside its rules over rows."""
    columns = describing.form(list(contract.columns.values()))
    over_all = []
    for rule in contract.dataset_rules:
        told: list[Any] = []
        for one in rule.aggregates:
            told += [one.word, None if one.of is None else expression_form(one.of, describing.form)]
            told.append(expression_form(one.whole, describing.form) if one.takes_second_look else None)
        over_all.append([rule.reason, rule.severity, told, expression_form(rule.holds, describing.form)])
    return [columns, over_all, contract.is_strict, contract.is_ordered, contract.is_filter]
