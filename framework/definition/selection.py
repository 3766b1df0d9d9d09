"""Which pipelines are meant: by name, pattern, tag, owner or table, with what stands before or behind them.

| term | means |
|---|---|
| `retail.sales`, `retail`, `*.daily_*` | a pipeline, all of a domain, those whose name fits |
| `tag:nightly`, `owner:finance`, `table:retail/*`, `reads:retail/*` | that say so, or write or read such a table |
| `+x`, `2+x` | `x` and what it needs, all the way or two steps |
| `x+`, `x+1` | `x` and what needs it |
| `@x` | `x`, what needs it, and all that these need |
| `x,tag:nightly` | what both mean |
| `!x` | not these (`--exclude x`) |

Several terms mean what any of them means, without what terms with `!` mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from framework.core.dag import ordered, reach, turned
from framework.errors import SelectionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from framework.definition.pipeline import Pipeline

Pipelines = Mapping[str, "Pipeline"]

TERM = re.compile(r"(?P<all>@)?(?:(?P<before>[0-9]*)(?P<up>\+))?(?P<what>[^+@,]+)(?:(?P<down>\+)(?P<behind>[0-9]*))?")
SHAPE = "a name, a pattern, or tag:, owner:, table: or reads: with one; + and a number say what before and behind it"
WILD = "*?["
NOT = "!"


@dataclass(frozen=True)
class Method:
    """A way to name pipelines: what a pipeline has to be named by, and what that is called in a message."""

    says: Callable[[Pipeline], Collection[str]]
    words: str


def _domains(pipeline: Pipeline) -> list[str]:
    parts = pipeline.name.split(".")
    return [".".join(parts[: count + 1]) for count in range(len(parts))]


METHODS = {
    "name": Method(_domains, "no pipeline is called"),
    "tag": Method(lambda pipeline: pipeline.tags, "no pipeline has the tag"),
    "owner": Method(lambda pipeline: [pipeline.owner] if pipeline.owner else [], "no pipeline has the owner"),
    "table": Method(lambda pipeline: [o.table for o in pipeline.outputs], "no pipeline writes the table"),
    "reads": Method(lambda pipeline: [s.table for s in pipeline.table_sources.values()], "no pipeline reads the table"),
}


def select(pipelines: Pipelines, terms: Iterable[str] = ()) -> list[Pipeline]:
    """Select pipelines, in the order in which they must run. Without terms: all of them.

    Args:
        pipelines: All pipelines of a project, by name.
        terms: What is wanted, and what is not; see above.

    Raises:
        SelectionError: when a term means nothing, or nothing is left; suggests the nearest.
    """
    needs = needed_by_tables(pipelines.values())
    every = list(terms)
    wanted = [term for term in every if not term.startswith(NOT)]
    without = [term.removeprefix(NOT) for term in every if term.startswith(NOT)]
    chosen = _meant(pipelines, needs, wanted) if wanted else set(pipelines)
    if without:
        chosen -= _meant(pipelines, needs, without)
        if not chosen:
            raise SelectionError(
                f"nothing is left of {' '.join(wanted) or 'all pipelines'} without {' '.join(without)}"
            )
    return [pipelines[name] for name in ordered(needs) if name in chosen]


def needed_by_tables(pipelines: Iterable[Pipeline]) -> dict[str, list[str]]:
    """Every pipeline with those whose tables it reads."""
    every = list(pipelines)
    writers = {output.table: pipeline.name for pipeline in every for output in pipeline.outputs}
    found = {}
    for pipeline in every:
        needed = {writers[s.table] for s in pipeline.table_sources.values() if s.table in writers}
        found[pipeline.name] = sorted(needed - {pipeline.name})
    return found


def upstream_of(pipeline: Pipeline, pipelines: Pipelines) -> set[str]:
    """The names of the pipelines without which a pipeline cannot run: those whose tables it reads.

    A table of which it can use the last version (`if_failed="use_last"`) holds it up no longer than its run takes.
    """
    writers = {output.table: name for name, p in pipelines.items() for output in p.outputs}
    needed = [source.table for source in pipeline.table_sources.values() if source.if_failed == "skip"]
    return {writers[table] for table in needed if table in writers} - {pipeline.name}


def kept_tables(pipeline: Pipeline, pipelines: Pipelines) -> dict[str, str]:
    """The tables of which a pipeline can use the last version (`if_failed="use_last"`), each with its writer."""
    writers = {output.table: name for name, p in pipelines.items() for output in p.outputs}
    kept = [source.table for source in pipeline.table_sources.values() if source.if_failed == "use_last"]
    return {table: writers[table] for table in kept if writers.get(table, pipeline.name) != pipeline.name}


def _meant(pipelines: Pipelines, needs: Mapping[str, list[str]], terms: Iterable[str]) -> set[str]:
    """What any of some terms means."""
    found: set[str] = set()
    for term in terms:
        parts = [_of_term(pipelines, needs, part) for part in term.split(",")]
        both = set.intersection(*parts)
        if not both:
            raise SelectionError(f"'{term}' means no pipeline: none is meant by all of {', '.join(term.split(','))}")
        found |= both
    return found


def _of_term(pipelines: Pipelines, needs: Mapping[str, list[str]], term: str) -> set[str]:
    match = TERM.fullmatch(term)
    if match is None or (match["all"] and (match["up"] or match["down"])):
        raise SelectionError(f"'{term}' cannot be read as a selection; expected {SHAPE}")
    found = _named(pipelines, match["what"])
    behind = turned(needs)
    if match["all"]:
        return reach(needs, reach(behind, found))
    before = reach(needs, found, _hops(match["before"])) if match["up"] else found
    return before | (reach(behind, found, _hops(match["behind"])) if match["down"] else found)


def _hops(given: str) -> int | None:
    return int(given) if given else None


def _named(pipelines: Pipelines, what: str) -> set[str]:
    """The pipelines that a name, a pattern or a method with one means."""
    key, colon, value = what.partition(":")
    if not colon:
        key, value = "name", what
    method = METHODS.get(key)
    if method is None:
        raise SelectionError(f"'{what}': there is no way to select by '{key}'; {did_you_mean(key, METHODS)}")
    said = {name: method.says(pipeline) for name, pipeline in pipelines.items()}
    found = {name for name, names in said.items() if any(_fits(one, value) for one in names)}
    if not found:
        known = {one for names in said.values() for one in names}
        raise SelectionError(f"{method.words} '{value}'; {did_you_mean(value, known) or 'there are none'}")
    return found


def _fits(name: str, wanted: str) -> bool:
    return fnmatchcase(name, wanted) if any(sign in wanted for sign in WILD) else name == wanted
