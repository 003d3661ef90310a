"""The catalogue: entries, everything that was ever said of them, and who used them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("provider", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("document", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.Double(), nullable=False),
        sa.Column("modified_at", sa.Double(), nullable=False),
        sa.Column("uses", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_entries")),
    )
    op.create_index("uq_entries_ref", "entries", ["provider", "name", "version"], unique=True)
    op.create_table(
        "revisions",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("document", sa.JSON(none_as_null=True), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.number"], name=op.f("fk_revisions_entry_entries")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_revisions")),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_revisions_entry_revision", "revisions", ["entry", "revision"], unique=True)
    op.create_table(
        "uses",
        sa.Column("number", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("person", sa.Text(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=True),
        sa.Column("replica", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["entry"], ["entries.number"], name=op.f("fk_uses_entry_entries")),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_uses")),
    )
    op.create_index("ix_uses_entry_at", "uses", ["entry", "at"], unique=False)
