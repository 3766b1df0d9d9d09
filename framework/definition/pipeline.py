"""What a pipeline is: sources, steps, outputs. Pure and immutable: building one reads nothing."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from framework.core.export import Export
from framework.core.policy import AS_USUAL, Policy
from framework.core.source import FileSource, Source, TableSource
from framework.definition.graph import find_problems, label_problems, order_steps, upstream
from framework.definition.hooked import hooked, in_order, read_hooks
from framework.definition.step import Step, read_step
from framework.errors import DefinitionError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from framework.core.hooks import Hook
    from framework.core.quality import Quality
    from framework.core.rule import AcrossRule, BusinessRule
    from framework.core.typed import DataFrameModel
    from framework.definition.output import Output
    from framework.definition.signature import Parameter


@dataclass(frozen=True, init=False)
class Pipeline:
    """A named composition of steps on lazy frames, from sources to tables.

    Args:
        name: `<domain>.<name>`, such as `retail.daily_sales`.
        sources: What is read, by the name under which steps ask for it.
        steps: The functions, in any order: their argument names are the graph. Lists of steps can be shared.
        outputs: The tables that are written, and files made of them.
        quality: The quality of tables that say nothing of it themselves.
        tags: Words by which it can be selected (`sluice run tag:nightly`).
        owner: Who answers for it.
        rules: Rules across its tables: `agree(...)` and `references(...)`.
        policy: How it is run: retries, pools, deadlines.
        hooks: Functions that are called at points of its runs; see `hook`.

    Raises:
        DefinitionError: naming every problem of the definition, with suggestions.
    """

    name: str
    sources: dict[str, Source]
    steps: tuple[Step, ...]
    outputs: tuple[Output, ...]
    exports: tuple[Export, ...]
    tags: tuple[str, ...]
    owner: str
    rules: tuple[AcrossRule, ...]
    policy: Policy
    hooks: tuple[Hook, ...]
    """Those of the project, then its own, as listed; those of a source: `source_hooks`."""
    source_hooks: dict[str, tuple[Hook, ...]]

    def __init__(  # noqa: PLR0913 - one keyword per thing that a pipeline can say
        self,
        name: str,
        *,
        sources: Mapping[str, Source],
        steps: Sequence[Callable[..., Any]] = (),
        outputs: Sequence[Output | Export],
        quality: Quality | None = None,
        tags: str | Sequence[str] = (),
        owner: str = "",
        rules: Sequence[AcrossRule] = (),
        policy: Policy = AS_USUAL,
        hooks: Sequence[Callable[..., Any]] = (),
    ) -> None:
        tables = [output for output in outputs if not isinstance(output, Export)]
        if quality is not None:
            tables = [output if output.quality else replace(output, quality=quality) for output in tables]
        exports = [output for output in outputs if isinstance(output, Export)]
        read = [read_step(function) for function in steps]
        found = [s for s, _ in read]
        problems = [problem for _, wrong in read for problem in wrong]
        problems += find_problems(name, sources, found, tables, exports, rules)
        words = (tags,) if isinstance(tags, str) else tuple(tags)
        problems += label_problems(name, words, owner)
        own, of_sources, wrong_hooks = read_hooks(name, sources, hooks)
        problems += wrong_hooks
        if problems:
            raise DefinitionError(problems)
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "sources", dict(sources))
        object.__setattr__(self, "steps", tuple(hooked(one, own, name) for one in order_steps(found)))
        object.__setattr__(self, "outputs", tuple(tables))
        object.__setattr__(self, "exports", tuple(exports))
        object.__setattr__(self, "tags", words)
        object.__setattr__(self, "owner", owner)
        object.__setattr__(self, "rules", tuple(rules))
        object.__setattr__(self, "policy", policy)
        object.__setattr__(self, "hooks", own)
        object.__setattr__(self, "source_hooks", of_sources)

    def __hash__(self) -> int:
        return hash(self.name)

    def schema_of(self, node: str) -> type[DataFrameModel] | None:
        """The schema of a source's or step's rows: as declared, or as the steps that take it say."""
        for step in self.steps:
            if step.name == node:
                return step.returns
        declared = self.sources[node].schema
        if declared is not None:
            return declared  # type: ignore[no-any-return]
        takers = [taker for step in self.steps for taker in (step, step.when) if taker is not None]
        asked = (taker.inputs[node] for taker in takers if node in taker.inputs)
        found = next((schema for schema in asked if schema is not None), None)
        return self.schema_of(self.primaries[node]) if found is None and node in self.primaries else found

    @property
    def parameters(self) -> dict[str, Parameter]:
        """What a run can be asked for: the run parameters of its steps and of their conditions, by name."""
        every = [p for step in self.steps for p in (*step.parameters, *(step.when.parameters if step.when else ()))]
        return {parameter.name: parameter for parameter in every}

    def rules_of(self, node: str) -> tuple[BusinessRule, ...]:
        """The business rules of a source or step beside those of its schema."""
        step = next((step for step in self.steps if step.name == node), None)
        return step.rules if step is not None else getattr(self.sources.get(node), "rules", ())

    def without_rules(self) -> Pipeline:
        """The same pipeline without its rules across tables, which say what must hold of data, not of steps."""
        bare = copy(self)
        object.__setattr__(bare, "rules", ())
        return bare

    def with_steps(self, names: Collection[str]) -> Pipeline:
        """The same pipeline with only some of its steps: to build the plan of one of them."""
        part = copy(self)
        object.__setattr__(part, "steps", tuple(step for step in self.steps if step.name in names))
        return part

    def with_standby(self, name: str) -> Pipeline:
        """The same pipeline with what stands in for a step in its place; itself where nothing does."""
        at = next((n for n, one in enumerate(self.steps) if one.name == name), None)
        standby = self.steps[at].otherwise if at is not None else None
        if at is None or standby is None:
            return self
        other = copy(self)
        instead = replace(self.steps[at], function=standby, otherwise=None)
        object.__setattr__(other, "steps", (*self.steps[:at], instead, *self.steps[at + 1 :]))
        return other

    def with_project_hooks(self, hooks: Sequence[Hook]) -> Pipeline:
        """The same pipeline with the hooks of its project, which come before its own; once."""
        if not hooks or any(hook.level == "project" for hook in self.hooks):
            return self
        more = copy(self)
        object.__setattr__(more, "hooks", (*hooks, *self.hooks))
        object.__setattr__(more, "steps", tuple(hooked(step, hooks, self.name) for step in self.steps))
        return more

    def hooks_at(self, point: str, source: str = "") -> tuple[Hook, ...]:
        """The hooks of a point, in the order in which they are called: the project's, its own, those of the source."""
        return in_order((*self.hooks, *self.source_hooks.get(source, ())), point)

    @property
    def file_sources(self) -> dict[str, FileSource]:
        """The sources that are files."""
        return {name: s for name, s in self.sources.items() if isinstance(s, FileSource)}

    @property
    def table_sources(self) -> dict[str, TableSource]:
        """The sources that are tables of the lake."""
        return {name: s for name, s in self.sources.items() if isinstance(s, TableSource)}

    @property
    def primaries(self) -> dict[str, str]:
        """The sources that stand in for another one, each with the one that it stands in for."""
        return {s.otherwise.source: name for name, s in self.file_sources.items() if s.otherwise is not None}

    def upstream(self, node: str) -> set[str]:
        """A source or step by name, and everything it is made of, with the sources that may stand in."""
        found = upstream(node, self.steps)
        return found | {other for other, primary in self.primaries.items() if primary in found}
