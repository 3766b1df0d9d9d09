"""The ledger's tables, the same on SQLite and PostgreSQL. `migrations/versions` brings every ledger to them."""

from __future__ import annotations

from sqlalchemy import JSON, Column, DateTime, Float, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

runs = Table(
    "sluice_runs",
    metadata,
    Column("run_id", String(64), primary_key=True),
    Column("invocation_id", String(64), nullable=False),
    Column("pipeline", String(200), nullable=False),
    Column("seq", Integer),
    Column("mode", String(20)),
    Column("state", String(20), nullable=False),
    Column("reason", Text),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("duration_s", Float),
    Column("attempts", Integer),
    Column("failure_kind", String(40)),
    Column("failure_error", String(200)),
    Column("failure_message", Text),
    Column("peak_memory_mb", Float),
    Column("report", JSON),
    Column("owner_host", String(255)),
    Column("owner_pid", Integer),
    Column("owner_start", String(100)),
    Column("version", Integer, nullable=False, server_default="1"),
    Index("sluice_runs_by_start", "started_at"),
    Index("sluice_runs_by_pipeline", "pipeline", "started_at"),
    Index("sluice_runs_by_state", "state"),
)
"""One row per run; `owner_*` is the supervisor that keeps it going, `version` counts the writes to the row."""

invocations = Table(
    "sluice_invocations",
    metadata,
    Column("invocation_id", String(64), primary_key=True),
    Column("project", Text),
    Column("user_name", String(255)),
    Column("selection", JSON),
    Column("request", JSON),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("started_at", DateTime(timezone=True), nullable=False),
    Column("finished_at", DateTime(timezone=True)),
    Column("heartbeat_at", DateTime(timezone=True), nullable=False),
    Column("owner_host", String(255), nullable=False),
    Column("owner_pid", Integer, nullable=False),
    Column("owner_start", String(100), nullable=False),
    Column("cancel_requested_at", DateTime(timezone=True)),
    Column("cancel_requested_by", String(300)),
    Index("sluice_invocations_by_state", "state"),
    Index("sluice_invocations_by_start", "started_at"),
)
"""One row per `sluice run` that had something to do. Its heartbeat says on which host somebody is still at it."""

tasks = Table(
    "sluice_tasks",
    metadata,
    Column("invocation_id", String(64), primary_key=True),
    Column("task", String(300), primary_key=True),
    Column("pipeline", String(200), nullable=False),
    Column("stage", String(200)),
    Column("run_id", String(64)),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("queued_at", DateTime(timezone=True)),
    Column("started_at", DateTime(timezone=True)),
    Column("finished_at", DateTime(timezone=True)),
    Column("reason", Text),
    Column("worker", String(100)),
    Index("sluice_tasks_by_run", "run_id"),
    Index("sluice_tasks_by_state", "state"),
)
"""One row per invocation and unit of its work: a pipeline, or `pipeline:step` for a stage of one."""

audit = Table(
    "sluice_audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("at", String(40), nullable=False),
    Column("actor", String(300), nullable=False),
    Column("action", String(60), nullable=False),
    Column("subject", String(300), nullable=False),
    Column("details", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index("sluice_audit_by_subject", "subject"),
    Index("sluice_audit_by_action", "action"),
)
"""The audit trail. Times and details are kept as the text that was hashed, so that no database rewrites them."""

breakers = Table(
    "sluice_breakers",
    metadata,
    Column("name", String(200), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("version", Integer, nullable=False),
    Column("window", JSON, nullable=False),
    Column("opened_at", DateTime(timezone=True)),
    Column("changed_at", DateTime(timezone=True), nullable=False),
)
"""One row per circuit breaker, shared by everybody who uses this ledger."""

version = Table("sluice_ledger", metadata, Column("version", Integer, primary_key=True))
"""What ledgers had before migrations. Kept, so that a Sluice of that time refuses this ledger."""


def audit_refusals(dialect: str) -> list[str]:
    """The statements by which a database refuses to change, remove or empty what the audit trail holds."""
    refusal = "the audit trail is append-only"
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER sluice_audit_no_{verb.lower()} BEFORE {verb} ON sluice_audit"
            f" BEGIN SELECT RAISE(ABORT, '{refusal}'); END"
            for verb in ("UPDATE", "DELETE")
        ]
    function = (
        "CREATE OR REPLACE FUNCTION sluice_audit_refuse() RETURNS trigger LANGUAGE plpgsql"
        f" AS $$ BEGIN RAISE EXCEPTION '{refusal}'; END $$"
    )
    triggers = [
        f"CREATE TRIGGER sluice_audit_no_{verb.lower()} BEFORE {verb} ON sluice_audit"
        f" FOR EACH {'STATEMENT' if verb == 'TRUNCATE' else 'ROW'} EXECUTE FUNCTION sluice_audit_refuse()"
        for verb in ("UPDATE", "DELETE", "TRUNCATE")
    ]
    return [function, *triggers]
