"""What was seen of the catalogue's entries at their centres."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("entries", sa.Column("verified_at", sa.Double(), nullable=True))
    op.add_column("entries", sa.Column("found", sa.JSON(none_as_null=True), nullable=True))
    op.add_column("entries", sa.Column("source", sa.Text(), nullable=True))
    op.create_table(
        "checks",
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("centre", sa.Text(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("sound", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("how", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("seen", sa.JSON(none_as_null=True), nullable=True),
        sa.ForeignKeyConstraint(["entry"], ["entries.number"], name=op.f("fk_checks_entry_entries")),
        sa.PrimaryKeyConstraint("entry", "what", "centre", name=op.f("pk_checks")),
    )
    op.create_table(
        "pictures",
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("at", sa.Double(), nullable=False),
        sa.Column("png", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["entry"], ["entries.number"], name=op.f("fk_pictures_entry_entries")),
        sa.PrimaryKeyConstraint("entry", name=op.f("pk_pictures")),
    )
