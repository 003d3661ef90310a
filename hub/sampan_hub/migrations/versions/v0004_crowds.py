"""Whose turn a launch takes where many come at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("launches", sa.Column("crowd", sa.Text(), nullable=True))
