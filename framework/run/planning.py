"""Decide what a run covers, and fix it as the plan of the next sequence."""

from __future__ import annotations

import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from framework.core.events import emit
from framework.core.plan import RunPlan
from framework.errors import ConfigurationError, SourceError
from framework.lake import PlanStore
from framework.run.changed import keep_definition, tell_of_changes
from framework.run.compiled import contracts
from framework.run.fingerprints.definition import identify
from framework.run.last_known import require_look_ups
from framework.run.news import News, find_news, with_branches
from framework.run.parameters import resolve_parameters
from framework.run.position import Position
from framework.run.request import RunRequest
from framework.run.schemas.evolution import hold_schemas

if TYPE_CHECKING:
    from framework.definition import Pipeline
    from framework.run.workspace import Workspace

LONG_AGE_DAYS = 3


def require_fresh(pipeline: Pipeline, ages: dict[str, timedelta]) -> None:
    """Hold the ages of tables against what their sources allow: warn, or refuse to go on.

    Raises:
        SourceError: when a table has not changed for longer, and its source says `on_stale="fail"`.
    """
    for source in pipeline.table_sources.values():
        age = ages.get(source.table)
        if source.max_age is None or age is None or age <= source.max_age:
            continue
        text = f"table '{source.table}' changed last {in_days(age)} ago; at most {in_days(source.max_age)} are allowed"
        if source.on_stale == "fail":
            raise SourceError(f"{text}; bring it up to date, or raise max_age")
        emit("table.stale", text, level="WARNING", table=source.table)


def in_days(age: timedelta) -> str:
    """Say an age in the unit that suits it.

    >>> in_days(timedelta(days=12, hours=5)), in_days(timedelta(minutes=90))
    ('12 days', '1.5 hours')
    """
    days = age / timedelta(days=1)
    return f"{days:.0f} days" if days >= LONG_AGE_DAYS else f"{age / timedelta(hours=1):.1f} hours"


def fix_plan(pipeline: Pipeline, space: Workspace, request: RunRequest, position: Position) -> RunPlan | None:
    """Give the plan to run next: the pending one, or a new one fixed now; None when there is nothing new.

    Raises:
        ConfigurationError: when a table that the pipeline reads does not exist, or a parameter has no usable value.
        SourceError: when there is something to do and a table is older than its source allows.
        DefinitionError: when a table that is asked for last known values does not have what is asked for.
        CompatibilityError: when a table's schema changes in a way that its rows or readers do not stand.
    """
    parameters = resolve_parameters(pipeline, request.parameters)
    if position.pending is not None and (request.takes_up or not request.full):
        pending = position.pending
        hold_schemas(pipeline, space, pending.mode, pending.inputs, pending.parameters, pending.rebuilt)
        emit("run.resumed", f"{pipeline.name}: taking up sequence {position.pending.seq}, which was not finished")
        return position.pending
    news = find_news(pipeline, space, position, request)
    if news.missing:
        tables = ", ".join(news.missing)
        raise ConfigurationError(
            f"{pipeline.name} reads {tables}, which the lake does not have; run its pipeline first"
        )
    news = with_branches(pipeline, space, news, position, parameters)
    if news.is_empty:
        return None
    require_fresh(pipeline, news.ages)
    if news.lookups:
        require_look_ups(pipeline, space, news.lookups, contracts(pipeline))
    hold_schemas(pipeline, space, news.mode, news.inputs, parameters, news.changes.rebuilt)
    tell_of_changes(pipeline, news.changes)
    if position.pending is not None:  # a rebuild needs nothing of it, and it may be the reason for the rebuild
        text = f"sequence {position.pending.seq}, which was not finished, is given up for a rebuild"
        emit("run.given_up", f"{pipeline.name}: {text}", level="WARNING")
        return _fix(pipeline, space, replace(news, reasons=[*news.reasons, text]), position.pending.seq + 1, parameters)
    return _fix(pipeline, space, news, position.finished + 1, parameters)


def fix_rebuild(pipeline: Pipeline, space: Workspace, plan: RunPlan, reason: str) -> None:
    """Fix a full rebuild as the sequence after `plan`, before `plan` itself is published: so it cannot be forgotten."""
    request = RunRequest(full=True, parameters=plan.parameters)
    news = find_news(pipeline, space, Position(plan.seq, None), request)
    _fix(
        pipeline, space, replace(news, reasons=[f"{reason}; older rows may hold again"]), plan.seq + 1, plan.parameters
    )


def _fix(pipeline: Pipeline, space: Workspace, news: News, seq: int, parameters: dict[str, Any]) -> RunPlan:
    store = PlanStore(space.lake, pipeline.name)
    identity = news.identity or identify(pipeline, parameters)
    keep_definition(pipeline, store, identity)
    plan = RunPlan(
        pipeline=pipeline.name,
        seq=seq,
        mode=news.mode,
        run_id=uuid.uuid4().hex[:12],
        planned_at=space.now or datetime.now(UTC),
        fingerprint=identity.fingerprint,
        inputs=news.inputs,
        parameters=parameters,
        waiting_version=news.waiting_version,
        reason="; ".join(news.reasons),
        lookups=news.lookups,
        stand_ins=news.alternates.stand_ins,
        passed_over=news.alternates.passed_over,
        skipped=news.skipped,
        rebuilt=news.changes.rebuilt,
        kept=news.kept,
    )
    return store.fix(plan)
