"""Whether a pipeline's definition is another than the one its tables were made by, and what follows from that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from framework.core.events import emit
from framework.run.fingerprints.changes import NO_CHANGES, Changes, compare
from framework.run.fingerprints.definition import Definition, Identity, define, identify
from framework.run.parameters import resolve_parameters

if TYPE_CHECKING:
    from collections.abc import Mapping

    from framework.core.plan import RunPlan
    from framework.definition import Pipeline
    from framework.lake import PlanStore

OLDER = "it was published by an earlier version of Sluice, which kept no plans: they cannot be compared"


def find_changes(
    pipeline: Pipeline, store: PlanStore, last: RunPlan | None, given: Mapping[str, Any]
) -> tuple[Identity, Changes]:
    """Hold a pipeline's definition against the one of the last finished sequence. Reads no data.

    `given`: run parameters. One that has no default and is not given counts as it was.

    Raises:
        ConfigurationError: when a run parameter has no usable value.
        DefinitionError: when the pipeline cannot be known by what it does; see `node_fingerprints`.
    """
    identity = identify(pipeline, _values(pipeline, last, given))
    if last is None or last.fingerprint == identity.fingerprint:
        return identity, NO_CHANGES
    content = store.definition(last.fingerprint)
    if content is None:
        return identity, Changes(unknown=OLDER)
    before = Definition.from_json(content)
    return identity, compare(pipeline, before, define(pipeline, identity), _with_old_values(pipeline, before, identity))


def _values(pipeline: Pipeline, last: RunPlan | None, given: Mapping[str, Any]) -> dict[str, Any]:
    known = pipeline.parameters
    values = {name: value for name, value in given.items() if name in known}
    for name, parameter in known.items():
        if parameter.is_required and name not in values and last is not None and name in last.parameters:
            values[name] = last.parameters[name]
    if any(parameter.is_required and name not in values for name, parameter in known.items()):
        return values
    return resolve_parameters(pipeline, values)


def _with_old_values(pipeline: Pipeline, before: Definition, identity: Identity) -> Definition | None:
    """The definition of now with the run parameters of before; None where they are the same, or no longer usable."""
    old = {name: value for name, value in before.parameters.items() if name in identity.parameters}
    values = {**identity.parameters, **old}
    if values == identity.parameters:
        return None
    try:
        return define(pipeline, identify(pipeline, values))
    except ValidationError:  # the parameter has another type by now: that is a change of the code
        return None


def keep_definition(pipeline: Pipeline, store: PlanStore, identity: Identity) -> None:
    """Put the definition on record that a sequence is about to be published with, unless it is there."""
    if store.definition(identity.fingerprint) is None:
        store.keep_definition(identity.fingerprint, define(pipeline, identity).to_json())


def kept_tables(pipeline: Pipeline, changes: Changes, moved: set[str]) -> list[str]:
    """The tables that stay as they are while others are computed again: what they are made by and of is the same.

    `moved`: the sources that are at a newer version. Rules across tables may ask for the rows of any.
    """
    if not changes.rebuilt or pipeline.rules:
        return []
    lasting = [o for o in pipeline.outputs if o.table not in changes.by_table]
    given = {o.table: pipeline.upstream(o.of) & pipeline.sources.keys() for o in lasting}
    return [t for t, names in given.items() if not names & (moved | pipeline.file_sources.keys())]


def tell_of_changes(pipeline: Pipeline, changes: Changes) -> None:
    """Say of which tables the rows that were published before keep the old logic."""
    if changes.unknown:
        emit("definition.unknown", f"{pipeline.name}: {changes.unknown}")
    for table in changes.behind:
        what = "; ".join(str(change) for change in changes.by_table[table])
        text = f"{table}: {what}. Rows published before keep the old logic; --full computes them again"
        emit("definition.changed", text, level="WARNING", table=table)
