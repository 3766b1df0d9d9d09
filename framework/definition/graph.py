"""The graph of a pipeline: every problem it has, in one report, and an order to run its steps in."""

from __future__ import annotations

import re
from collections import Counter
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from framework.core.export import LAYOUTS
from framework.core.fallback import LastKnown
from framework.core.quality import quality_problems
from framework.core.rule import BusinessRule
from framework.core.source import FileSource, TableSource
from framework.core.typed import is_same_schema, is_schema, schema_name
from framework.definition.across import across_problems
from framework.definition.alternates import alternate_problems
from framework.definition.conditions import condition_problems
from framework.definition.fanned import Fanned
from framework.definition.output import COMPATIBILITIES, WRITE_MODES
from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from framework.core.export import Export
    from framework.core.rule import AcrossRule
    from framework.core.source import Source
    from framework.definition.output import Output
    from framework.definition.step import Step

NAME = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*")
TABLE = re.compile(r"[a-z][a-z0-9_]*(/[a-z][a-z0-9_]*)*")
EXPORT = re.compile(r"[a-z0-9][\w.-]*(/[a-z0-9][\w.-]*)*\.(json|ndjson)(\.gz)?")
LABEL = re.compile(r"\w[\w.@/ -]*")
POLICIES = ("fail", "quarantine", "drop", "warn")


def find_problems(
    name: str,
    sources: Mapping[str, Source],
    steps: Sequence[Step],
    outputs: Sequence[Output],
    exports: Sequence[Export] = (),
    rules: Sequence[AcrossRule] = (),
) -> list[Problem]:
    """Find everything that is wrong with a definition."""
    found = [
        *_names(name, sources, steps),
        *_inputs(sources, steps),
        *_no_schemas(sources),
        *_schemas(sources, steps, outputs),
        *_references(sources),
        *_look_ups(sources),
        *_filled_keys(sources, steps, outputs),
        *alternate_problems(sources, steps, outputs, upstream),
        *_outputs(sources, steps, outputs),
        *_exports(outputs, exports),
        *_cycles(steps),
        *_rules(sources, steps, outputs, rules),
        *condition_problems(sources, steps, outputs, rules, upstream),
        *_fanned(sources, steps),
        *_unused(sources, steps, outputs, _asked_of(steps, rules)),
    ]
    return [Problem(f"{name}, {p.where}" if p.where else name, p.what, p.fix) for p in found]


def _asked_of(steps: Sequence[Step], rules: Sequence[AcrossRule]) -> set[str]:
    """The sources and steps that rules across tables and conditions look at."""
    asked = {node for rule in rules for node in getattr(rule, "nodes", ())}
    return asked | {name for step in steps if step.when is not None for name in step.when.inputs}


def label_problems(name: str, tags: Sequence[str], owner: str) -> Iterator[Problem]:
    """Find tags and owners that could not be selected by."""
    for said, words in (("tag", tags), ("owner", [owner] if owner else [])):
        for word in words:
            if not LABEL.fullmatch(str(word)):
                yield Problem(name, f"{said} {word!r} cannot be selected by", "use letters, digits and . _ @ - /")


def order_steps(steps: Sequence[Step]) -> list[Step]:
    """Order steps so that each comes after those it takes from; ties keep the order given."""
    by_name = {step.name: step for step in steps}
    sorter: TopologicalSorter[str] = TopologicalSorter(dict.fromkeys(by_name, ()))  # all nodes first, in their order
    for step in steps:
        sorter.add(step.name, *(i for i in step.inputs if i in by_name))
    return [by_name[name] for name in sorter.static_order()]


def _names(name: str, sources: Mapping[str, Source], steps: Sequence[Step]) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield Problem("", f"'{name}' is no pipeline name", "lower case words with dots, such as retail.daily_sales")
    for step_name, count in Counter(step.name for step in steps).items():
        if count > 1:
            yield Problem(f"step '{step_name}'", f"is given {count} times", "give each step once")
        if step_name in sources:
            yield Problem(f"step '{step_name}'", "has the name of a source", "rename one of them")
    for source_name, source in sources.items():
        if not source_name.isidentifier():
            yield Problem(f"source '{source_name}'", "is no argument name", "use letters, digits and underscores")
        if isinstance(source, FileSource) and not source.patterns:
            yield Problem(f"source '{source_name}'", "names no files", "give a pattern such as 'sales/*.csv'")
        if isinstance(source, FileSource) and source.on_invalid not in POLICIES:
            fix = did_you_mean(str(source.on_invalid), POLICIES)
            yield Problem(f"source '{source_name}'", f"on_invalid='{source.on_invalid}' is unknown", fix)
        if isinstance(source, TableSource):
            yield from _table_options(f"source '{source_name}'", source)


def _table_options(where: str, source: TableSource) -> Iterator[Problem]:
    for option, known in (("on_stale", ("warn", "fail")), ("if_failed", ("skip", "use_last"))):
        given = getattr(source, option)
        if given not in known:
            yield Problem(where, f"{option}='{given}' is unknown", did_you_mean(str(given), known))
    if source.max_age is not None and source.max_age <= timedelta():
        yield Problem(where, f"max_age={source.max_age} is no age", "give a timedelta above zero")


def _inputs(sources: Mapping[str, Source], steps: Sequence[Step]) -> Iterator[Problem]:
    known = {*sources, *(step.name for step in steps)}
    for step in steps:
        for name in step.inputs:
            if name == step.name:
                yield Problem(step.where, "takes itself", "rename the parameter")
            elif name not in known:
                yield Problem(step.where, f"takes '{name}', which is no source or step", did_you_mean(name, known))
        if not step.inputs:
            yield Problem(step.where, "takes no frame", "annotate an input with LazyFrame[Schema]")


def _schemas(sources: Mapping[str, Source], steps: Sequence[Step], outputs: Sequence[Output]) -> Iterator[Problem]:
    returns = {step.name: step.returns for step in steps}
    asked: dict[str, dict[str, str]] = {}
    for step in steps:
        for name, schema in step.inputs.items():
            given = returns.get(name) if name in returns else getattr(sources.get(name), "schema", None)
            if schema is not None and given is not None and not is_same_schema(given, schema):
                what = f"takes '{name}' as {schema_name(schema)}, but it is {schema_name(given)}"
                yield Problem(step.where, what, "use one schema on both sides")
            if schema is not None and name in sources and given is None:
                asked.setdefault(name, {}).setdefault(schema_name(schema), step.name)
    for name, by_schema in asked.items():
        if len(by_schema) > 1:
            told = ", ".join(f"{schema} by '{step}'" for schema, step in by_schema.items())
            yield Problem(f"source '{name}'", f"is asked for with different schemas: {told}", "use one")
    for name, source in sources.items():
        if isinstance(source, FileSource) and source.schema is None and name not in asked:
            taken = any(name in step.inputs for step in steps) or any(o.of == name for o in outputs)
            if taken:
                fix = "annotate the input with LazyFrame[Schema] or give schema="
                yield Problem(f"source '{name}'", "has no schema, so its rows cannot be checked", fix)


def _no_schemas(sources: Mapping[str, Source]) -> Iterator[Problem]:
    for name, source in sources.items():
        if source.schema is not None and not is_schema(source.schema):
            fix = "give a Pandera DataFrameModel, or the path of a file such as schemas/sale.yaml"
            yield Problem(f"source '{name}'", f"schema={source.schema!r} is no schema", fix)


def _references(sources: Mapping[str, Source]) -> Iterator[Problem]:
    for name, source in sources.items():
        for reference in source.references if isinstance(source, FileSource) else ():
            where = f"source '{name}'"
            if reference.source == name:
                yield Problem(where, f"'{reference.column}' refers to the source itself", "refer to a table")
            elif reference.source not in sources:
                what = f"'{reference.column}' refers to '{reference.source}', which is no source"
                yield Problem(where, what, did_you_mean(reference.source, sources))
            elif isinstance(sources[reference.source], FileSource):
                what = f"'{reference.column}' refers to files ('{reference.source}')"
                yield Problem(where, what, "publish them as a table and refer to it with delta_table()")


def _look_ups(sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Find last known values that are asked of something that knows none."""
    for name, source in sources.items():
        for column, one in _asked(source):
            where = f"source '{name}', fallback of '{column}'"
            if isinstance(sources.get(one.of), FileSource):
                fix = "publish them as a table and ask that: a run reads only the files that are new"
                yield Problem(where, f"asks files ('{one.of}') for last known values", fix)
            elif one.of not in sources and not TABLE.fullmatch(one.of):
                what = f"asks '{one.of}', which is no source and no name of a table"
                yield Problem(where, what, did_you_mean(one.of, sources) or "name a table such as retail/products")


def _asked(source: Source) -> list[tuple[str, LastKnown]]:
    """The look-ups of a source, with the columns that they fill."""
    every = source.fallback.items() if isinstance(source, FileSource) else ()
    return [(column, one) for column, chosen in every for one in chosen if isinstance(one, LastKnown)]


def _filled_keys(sources: Mapping[str, Source], steps: Sequence[Step], outputs: Sequence[Output]) -> Iterator[Problem]:
    """Find fallbacks that would fill the key by which rows are merged."""
    for output in outputs:
        for name in sorted(upstream(output.of, steps)) if output.newest_by else ():
            source = sources.get(name)
            for column in source.fallback if isinstance(source, FileSource) else ():
                if column in output.key:
                    what = f"the column is part of the key of table '{output.table}'"
                    fix = "a filled key would make one row of several; let such rows be quarantined"
                    yield Problem(f"source '{name}', fallback of '{column}'", what, fix)


def _outputs(sources: Mapping[str, Source], steps: Sequence[Step], outputs: Sequence[Output]) -> Iterator[Problem]:
    known = {*sources, *(step.name for step in steps)}
    if not outputs:
        yield Problem("", "has no output", "add outputs=[table(...)]")
    for name, count in Counter(o.table for o in outputs).items():
        if count > 1:
            yield Problem(f"table '{name}'", f"is written {count} times", "one output per table")
        if any(getattr(source, "table", None) == name for source in sources.values()):
            yield Problem(f"table '{name}'", "is both read and written", "write another table")
    for output in outputs:
        where = f"table '{output.table}'"
        if not TABLE.fullmatch(output.table):
            yield Problem(where, "is no table name", "lower case words with slashes, such as retail/sales")
        if output.of not in known:
            yield Problem(where, f"is of '{output.of}', which is no source or step", did_you_mean(output.of, known))
        if output.mode not in WRITE_MODES:
            yield Problem(where, f"mode '{output.mode}' is unknown", did_you_mean(output.mode, WRITE_MODES))
        yield from _output_options(where, output)
        files = sorted(n for n in upstream(output.of, steps) if isinstance(sources.get(n), FileSource))
        if output.recompute_by and files:
            what = f"recomputes by {', '.join(output.recompute_by)}, but '{files[0]}' gives only what is new"
            yield Problem(where, what, "publish its rows as a table and read that with delta_table()")


def _exports(outputs: Sequence[Output], exports: Sequence[Export]) -> Iterator[Problem]:
    tables = {output.of for output in outputs}
    for path, count in Counter(export.path for export in exports).items():
        if count > 1:
            yield Problem(f"file '{path}'", f"is written {count} times", "one output per file")
    for export in exports:
        where = f"file '{export.path}'"
        if not EXPORT.fullmatch(export.path):
            fix = "a relative path that ends in .json or .ndjson, such as marketing/roi.json"
            yield Problem(where, "is no path of an export", fix)
        if export.of not in tables:
            fix = did_you_mean(export.of, tables) or f"add table(..., of={export.of})"
            yield Problem(where, f"is of '{export.of}', which no table of the pipeline holds", fix)
        if export.layout not in LAYOUTS:
            yield Problem(where, f"layout '{export.layout}' is unknown", did_you_mean(export.layout, LAYOUTS))


def _output_options(where: str, output: Output) -> Iterator[Problem]:
    if output.quality is not None:
        yield from quality_problems(where, output.quality, has_key=bool(output.key))
    if output.compatibility not in COMPATIBILITIES:
        hint = did_you_mean(str(output.compatibility), COMPATIBILITIES)
        yield Problem(where, f"compatibility '{output.compatibility}' is unknown", hint)
    if output.mode == "merge" and not output.key:
        yield Problem(where, "merge needs a key", "add key=")
    if output.mode == "replace_partitions" and not output.partition_by:
        yield Problem(where, "replace_partitions needs partitions", "add partition_by=")
    if output.recompute_by and output.mode in {"append", "overwrite"}:
        yield Problem(where, f"recompute_by does not go with {output.mode}", "use merge or replace_partitions")
    if output.recompute_by and output.mode == "replace_partitions" and output.recompute_by != output.partition_by:
        yield Problem(where, "recompute_by differs from partition_by", "recompute whole partitions, or use merge")
    if output.recompute_by and output.mode == "merge" and not set(output.recompute_by) <= set(output.key):
        yield Problem(where, "recompute_by is not part of the key", "recompute by columns of the key")


def _cycles(steps: Sequence[Step]) -> Iterator[Problem]:
    names = {step.name for step in steps}
    graph = {step.name: [i for i in step.inputs if i in names and i != step.name] for step in steps}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        path = " -> ".join(reversed(error.args[1]))
        yield Problem("", f"steps go in a circle: {path}", "break the circle")


def upstream(name: str, steps: Sequence[Step]) -> set[str]:
    """A node and everything it is made of."""
    by_name = {step.name: step for step in steps}
    needed: set[str] = set()
    todo = [name]
    while todo:
        node = todo.pop()
        if node not in needed:
            needed.add(node)
            todo.extend(by_name[node].inputs if node in by_name else ())
    return needed


def _rules(
    sources: Mapping[str, Source], steps: Sequence[Step], outputs: Sequence[Output], rules: Sequence[AcrossRule]
) -> Iterator[Problem]:
    """Find what is wrong with rules across tables, and rules over rows that are none."""
    tables = {name for name, source in sources.items() if isinstance(source, TableSource)} | {o.of for o in outputs}
    made_of = [upstream(output.of, steps) for output in outputs]
    nodes = [*sources, *(step.name for step in steps)]
    yield from across_problems(rules, nodes, tables, lambda needed: any(needed <= nodes for nodes in made_of))
    given = {f"source '{name}'": getattr(source, "rules", ()) for name, source in sources.items()}
    for where, own in {**given, **{step.where: step.rules for step in steps}}.items():
        for rule in own:
            if not isinstance(rule, BusinessRule):
                name = getattr(rule, "name", None)
                fix = "give it to the pipeline: Pipeline(..., rules=[...])" if name else "make one with rule(...)"
                yield Problem(where, f"{name or repr(rule)} is no rule over its rows", fix)


def _fanned(sources: Mapping[str, Source], steps: Sequence[Step]) -> Iterator[Problem]:
    """Find steps that are called for each value of what is not written down when the run is planned."""
    written = {name for name, source in sources.items() if isinstance(source, TableSource)}
    written |= {step.name for step in steps if step.checkpoint}
    for step in steps:
        if isinstance(step.function, Fanned) and step.function.of not in written:
            what = f"is called for each {step.function.column} of '{step.function.of}', whose rows are not known before"
            yield Problem(step.where, what, "let its first input be a table that the pipeline reads, or a checkpoint")


def _unused(
    sources: Mapping[str, Source], steps: Sequence[Step], outputs: Sequence[Output], asked: set[str]
) -> Iterator[Problem]:
    needed = {node for output in outputs for node in upstream(output.of, steps)}
    referred = {r.source for s in sources.values() if isinstance(s, FileSource) for r in s.references}
    referred |= {one.of for source in sources.values() for _, one in _asked(source)}
    referred |= {s.otherwise.source for s in sources.values() if isinstance(s, FileSource) and s.otherwise is not None}
    for step in steps:
        if step.name not in needed:
            yield Problem(step.where, "leads to no output", "add an output of it or drop it")
    for name in sources:
        if name not in needed | referred | asked:
            yield Problem(f"source '{name}'", "is used by no step or output", "drop it")
