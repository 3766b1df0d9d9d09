"""Runs, as the first ledgers had them. Those were made without migrations: what is there already is left alone."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of version 1 where they are missing."""
    known = sa.inspect(op.get_bind()).get_table_names()
    if "sluice_runs" not in known:
        _create_runs()
    if "sluice_ledger" not in known:
        op.create_table("sluice_ledger", sa.Column("version", sa.Integer(), primary_key=True))
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM sluice_ledger")) == 0:
        op.execute("INSERT INTO sluice_ledger (version) VALUES (1)")


def _create_runs() -> None:
    op.create_table(
        "sluice_runs",
        sa.Column("run_id", sa.String(64), primary_key=True),
        sa.Column("invocation_id", sa.String(64), nullable=False),
        sa.Column("pipeline", sa.String(200), nullable=False),
        sa.Column("seq", sa.Integer()),
        sa.Column("mode", sa.String(20)),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.Text()),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True)),
        sa.Column("duration_s", sa.Float()),
        sa.Column("attempts", sa.Integer()),
        sa.Column("failure_kind", sa.String(40)),
        sa.Column("failure_error", sa.String(200)),
        sa.Column("failure_message", sa.Text()),
        sa.Column("peak_memory_mb", sa.Float()),
        sa.Column("report", sa.JSON()),
        sa.Column("owner_host", sa.String(255)),
        sa.Column("owner_pid", sa.Integer()),
        sa.Column("owner_start", sa.String(100)),
    )
    op.create_index("sluice_runs_by_start", "sluice_runs", ["started_at"])
    op.create_index("sluice_runs_by_pipeline", "sluice_runs", ["pipeline", "started_at"])
    op.create_index("sluice_runs_by_state", "sluice_runs", ["state"])
