"""Invocations and their tasks, versions of runs, the audit trail, circuit breakers."""

import sqlalchemy as sa
from alembic import op

from framework.ledger.tables import audit_refusals

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Add the tables, and have both databases refuse changes of the audit trail."""
    with op.batch_alter_table("sluice_runs") as table:
        table.add_column(sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    _create_invocations()
    _create_tasks()
    _create_audit()
    _create_breakers()
    op.execute("INSERT INTO sluice_ledger (version) VALUES (2)")
    for statement in audit_refusals(op.get_bind().dialect.name):
        op.execute(statement)


def _create_invocations() -> None:
    op.create_table(
        "sluice_invocations",
        sa.Column("invocation_id", sa.String(64), primary_key=True),
        sa.Column("project", sa.Text()),
        sa.Column("user_name", sa.String(255)),
        sa.Column("selection", sa.JSON()),
        sa.Column("request", sa.JSON()),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("heartbeat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner_host", sa.String(255), nullable=False),
        sa.Column("owner_pid", sa.Integer(), nullable=False),
        sa.Column("owner_start", sa.String(100), nullable=False),
        sa.Column("cancel_requested_at", sa.DateTime(timezone=True)),
        sa.Column("cancel_requested_by", sa.String(300)),
    )
    op.create_index("sluice_invocations_by_state", "sluice_invocations", ["state"])
    op.create_index("sluice_invocations_by_start", "sluice_invocations", ["started_at"])


def _create_tasks() -> None:
    op.create_table(
        "sluice_tasks",
        sa.Column("invocation_id", sa.String(64), primary_key=True),
        sa.Column("task", sa.String(300), primary_key=True),
        sa.Column("pipeline", sa.String(200), nullable=False),
        sa.Column("stage", sa.String(200)),
        sa.Column("run_id", sa.String(64)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True)),
        sa.Column("started_at", sa.DateTime(timezone=True)),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("reason", sa.Text()),
        sa.Column("worker", sa.String(100)),
    )
    op.create_index("sluice_tasks_by_run", "sluice_tasks", ["run_id"])
    op.create_index("sluice_tasks_by_state", "sluice_tasks", ["state"])


def _create_audit() -> None:
    op.create_table(
        "sluice_audit",
        sa.Column("id", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("at", sa.String(40), nullable=False),
        sa.Column("actor", sa.String(300), nullable=False),
        sa.Column("action", sa.String(60), nullable=False),
        sa.Column("subject", sa.String(300), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
    )
    op.create_index("sluice_audit_by_subject", "sluice_audit", ["subject"])
    op.create_index("sluice_audit_by_action", "sluice_audit", ["action"])


def _create_breakers() -> None:
    op.create_table(
        "sluice_breakers",
        sa.Column("name", sa.String(200), primary_key=True),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("window", sa.JSON(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True)),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
    )
