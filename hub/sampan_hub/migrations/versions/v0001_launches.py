"""Launches with their keys, attempts and transitions; waits."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "launches",
        sa.Column("id", sa.String(length=12), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("need", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("options", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("target", sa.String(length=16), nullable=False),
        sa.Column("parent", sa.String(length=12), nullable=True),
        sa.Column("door_port", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.Column("cause", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("message", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("identity_attempt", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["parent"], ["launches.id"], name=op.f("fk_launches_parent_launches")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_launches")),
    )
    op.create_index("ix_launches_owner_created_at", "launches", ["owner", "created_at"], unique=False)
    op.create_index(op.f("ix_launches_parent"), "launches", ["parent"], unique=False)
    op.create_index(
        "uq_launches_live",
        "launches",
        ["owner", "kind", "name"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "waits",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("predicted", sa.Double(), nullable=True),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_waits")),
    )
    op.create_index("ix_waits_at", "waits", ["at"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("launch", sa.String(length=12), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("share", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("tag", sa.Text(), nullable=False),
        sa.Column("submit_began_at", sa.Double(), nullable=True),
        sa.Column("job", sa.Text(), nullable=True),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("stage_at", sa.Double(), nullable=False),
        sa.Column("seen", sa.String(length=16), nullable=False),
        sa.Column("seen_at", sa.Double(), nullable=True),
        sa.Column("node", sa.Text(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("report", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("cause", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("tail", sa.Text(), nullable=True),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("submitted_at", sa.Double(), nullable=True),
        sa.Column("queued_at", sa.Double(), nullable=True),
        sa.Column("running_at", sa.Double(), nullable=True),
        sa.Column("ready_at", sa.Double(), nullable=True),
        sa.Column("cancel_requested_at", sa.Double(), nullable=True),
        sa.Column("ended_at", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(["launch"], ["launches.id"], name=op.f("fk_attempts_launch_launches")),
        sa.PrimaryKeyConstraint("launch", "number", name=op.f("pk_attempts")),
        sa.UniqueConstraint("tag", name=op.f("uq_attempts_tag")),
    )
    op.create_index(
        "uq_attempts_live",
        "attempts",
        ["launch"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "keys",
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("launch", sa.String(length=12), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["launch"], ["launches.id"], name=op.f("fk_keys_launch_launches")),
        sa.PrimaryKeyConstraint("owner", "key", name=op.f("pk_keys")),
    )
    op.create_table(
        "transitions",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("launch", sa.String(length=12), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False),
        sa.Column("seen", sa.String(length=16), nullable=False),
        sa.Column("centre", sa.Text(), nullable=True),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("message", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("final", sa.String(length=16), nullable=True),
        sa.ForeignKeyConstraint(
            ["launch", "attempt"],
            ["attempts.launch", "attempts.number"],
            name=op.f("fk_transitions_launch_attempt_attempts"),
        ),
        sa.ForeignKeyConstraint(["launch"], ["launches.id"], name=op.f("fk_transitions_launch_launches")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_transitions")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_transitions_launch_number", "transitions", ["launch", "number"], unique=False)
