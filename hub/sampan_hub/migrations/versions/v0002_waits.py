"""What was expected of an attempt; under which conditions a job waited, and whether it started."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("attempts", sa.Column("predicted", sa.Double(), nullable=True))
    op.add_column("attempts", sa.Column("ahead", sa.Integer(), nullable=True))
    op.add_column("waits", sa.Column("cores", sa.Integer(), nullable=True))
    op.add_column("waits", sa.Column("minutes", sa.Integer(), nullable=True))
    op.add_column("waits", sa.Column("ahead", sa.Integer(), nullable=True))
    op.add_column("waits", sa.Column("started", sa.Boolean(), server_default=sa.true(), nullable=False))
