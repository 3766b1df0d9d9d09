"""Sources that stand in for others: what of their definition cannot work."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from framework.core.source import FileSource
from framework.core.typed import is_same_schema, schema_name
from framework.errors import Problem, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from framework.core.source import Source
    from framework.definition.output import Output
    from framework.definition.step import Step


def alternate_problems(
    sources: Mapping[str, Source],
    steps: Sequence[Step],
    outputs: Sequence[Output],
    upstream: Callable[[str, Sequence[Step]], set[str]],
) -> Iterator[Problem]:
    """Find alternates that are not there, cannot stand in, or whose rows the primary could not replace later."""
    primaries = {n: s for n, s in sources.items() if isinstance(s, FileSource) and s.otherwise is not None}
    counts = Counter(s.otherwise.source for s in primaries.values() if s.otherwise is not None)
    for name, source in primaries.items():
        where, other = f"source '{name}'", source.otherwise.source if source.otherwise else ""
        if other not in sources:
            yield Problem(where, f"otherwise is '{other}', which is no source", did_you_mean(other, sources))
            continue
        yield from _unfit(where, name, other, sources)
        if counts[other] > 1:
            yield Problem(where, f"'{other}' stands in for {counts[other]} sources", "give each its own")
        taken = [s.where for s in steps if other in s.inputs] + [f"table '{o.table}'" for o in outputs if o.of == other]
        if taken:
            fix = f"take '{name}', whose rows are those of '{other}' where that stands in"
            yield Problem(where, f"its alternate '{other}' is taken by {taken[0]} as well", fix)
        for output in outputs:
            if name in upstream(output.of, steps) and not output.newest_by:
                what = f"rows of '{other}' in table '{output.table}' could not be replaced by later ones of '{name}'"
                yield Problem(where, what, "let the table merge rows by a key: mode='merge', key=...")


def _unfit(where: str, name: str, other: str, sources: Mapping[str, Source]) -> Iterator[Problem]:
    """Find an alternate that is no source of files, has other rows, or has an alternate itself."""
    source, found = sources[name], sources[other]
    if other == name:
        yield Problem(where, "is its own alternate", "name another source")
    elif not isinstance(found, FileSource):
        fix = "name files: rows of a table have no file and line, by which those of a later delivery are newer"
        yield Problem(where, f"otherwise is '{other}', which is a table", fix)
    elif found.otherwise is not None and found.otherwise.source == name:
        yield Problem(where, f"'{name}' and '{other}' stand in for each other", "one of them is the primary")
    elif found.otherwise is not None:
        yield Problem(where, f"its alternate '{other}' has an alternate itself", "one alternate per source")
    if source.schema is not None and found.schema is not None and not is_same_schema(source.schema, found.schema):
        what = f"its alternate '{other}' is {schema_name(found.schema)}, but it is {schema_name(source.schema)}"
        yield Problem(where, what, "rows that stand in have the same schema")
