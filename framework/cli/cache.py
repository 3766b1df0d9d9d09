"""`sluice cache`: the rows of checkpoints that are kept for later runs."""

from __future__ import annotations

from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from framework.cli.options import Exit, settings
from framework.cli.output import columns, hint, plural, show, size
from framework.errors import ConfigurationError, SelectionError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import timedelta

    from framework.lake import KeptStage
    from framework.run.stages.listing import Listed

NAMES = ("pipeline", "step", "rows", "size", "seconds", "computed", "last used", "found again")


def cache_list() -> int:
    """List what is kept: rows, size, when it was computed and used last, and whether a run would still find it.

    A run finds it if its input is the same, too. Reads no rows.
    """
    found = _kept()
    document = {"location": _location(), "stages": [_facts(one) for one in found]}
    rows = [dict(zip(NAMES, _cells(one), strict=True)) for one in found]
    show(document, lambda: [*columns(rows, NAMES, empty="nothing is kept"), *_sum([one.stage for one in found])])
    unfit = sum(bool(one.unfit) for one in found)
    if unfit:
        hint(f"{plural(unfit, 'stage')} would not be found again; next: sluice cache clear")
    return Exit.OK


def cache_clear(
    *selection: str,
    older_than: Annotated[str | None, Parameter(name="--older-than")] = None,
    yes: Annotated[bool, Parameter(negative="")] = False,
) -> int:
    """Remove what is kept, or show what would be removed. Nothing is lost by it: runs compute it again.

    Args:
        selection: Names of pipelines, domains, patterns, or `pipeline:step`. Default: all.
        older_than: Only what was not used for so long, such as `7d` or `12h`.
        yes: Remove it. Without it, it is only shown.
    """
    age = _age(older_than)
    every = [one.stage for one in _kept()]
    chosen = _chosen(every, selection)
    if age is not None:
        now = datetime.now(UTC)
        chosen = [stage for stage in chosen if now - (stage.used_at or stage.created_at) > age]
    if yes:
        _remove(chosen)
    count = sum(stage.size for stage in chosen)
    last = f"{'removed' if yes else 'to be removed'}: {plural(len(chosen), 'stage')}, {size(count)}"
    document = {"removed": yes, "stages": [_name(stage) for stage in chosen], "bytes": count}
    show(document, lambda: [*map(_name, chosen), last])
    if chosen and not yes:
        hint("next: the same command with --yes")
    return Exit.OK


def _kept() -> list[Listed]:
    from framework.definition.load import load_pipelines
    from framework.run.stages.listing import kept_stages
    from framework.run.workspace import open_workspace

    return kept_stages(open_workspace(settings()), load_pipelines(settings()))


def _location() -> str:
    from framework.run.workspace import open_workspace

    return open_workspace(settings()).kept.root


def _remove(stages: Sequence[KeptStage]) -> None:
    from framework.lake import StageStore
    from framework.run.workspace import open_workspace

    store = StageStore(open_workspace(settings()).kept)
    for stage in stages:
        store.remove(stage.address)


def _age(given: str | None) -> timedelta | None:
    from framework.core.durations import read_duration

    found = read_duration(given) if given is not None else None
    if given is not None and found is None:
        raise ConfigurationError(f"--older-than {given}: expected a length of time, such as 7d or 12h")
    return found


def _chosen(stages: Sequence[KeptStage], selection: Collection[str]) -> list[KeptStage]:
    """The stages that any of some words mean.

    Raises:
        SelectionError: when one of them means nothing.
    """
    found: list[KeptStage] = []
    for word in selection:
        meant = [stage for stage in stages if any(fnmatchcase(name, word) for name in _says(stage))]
        if not meant:
            known = {name for stage in stages for name in _says(stage)}
            hints = did_you_mean(word, known) or "the cache is empty"
            raise SelectionError(f"nothing is kept of '{word}'; {hints}")
        found += [stage for stage in meant if stage not in found]
    return found if selection else list(stages)


def _says(stage: KeptStage) -> list[str]:
    """What a stage can be called: its pipeline, the domains of that, and the step."""
    parts = stage.pipeline.split(".")
    return [*(".".join(parts[: count + 1]) for count in range(len(parts))), f"{stage.pipeline}:{stage.stage}"]


def _name(stage: KeptStage) -> str:
    return f"{stage.pipeline}:{stage.stage}, computed {stage.created_at:%Y-%m-%d %H:%M:%S}"


def _cells(one: Listed) -> tuple[Any, ...]:
    stage = one.stage
    again = f"no: {one.unfit}" if one.unfit else "yes"
    used = stage.used_at or stage.created_at
    return stage.pipeline, stage.stage, stage.rows, size(stage.size), stage.seconds, stage.created_at, used, again


def _facts(one: Listed) -> dict[str, Any]:
    stage = one.stage
    return {
        "address": stage.address,
        "pipeline": stage.pipeline,
        "step": stage.stage,
        "run_id": stage.run_id,
        "rows": stage.rows,
        "bytes": stage.size,
        "seconds": stage.seconds,
        "computed_at": stage.created_at,
        "used_at": stage.used_at,
        "found_again": not one.unfit,
        "unfit": one.unfit,
    }


def _sum(stages: Sequence[KeptStage]) -> list[str]:
    return [f"{plural(len(stages), 'stage')}, {size(sum(stage.size for stage in stages))}"] if stages else []
