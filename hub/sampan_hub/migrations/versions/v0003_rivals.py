"""An attempt beside the one that holds its launch, and a time limit of each attempt's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("minutes", sa.Integer(), nullable=True))
    op.add_column("attempts", sa.Column("rival", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.drop_index("uq_attempts_live", "attempts")
    op.create_index(
        "uq_attempts_live",
        "attempts",
        ["launch", "rival"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
