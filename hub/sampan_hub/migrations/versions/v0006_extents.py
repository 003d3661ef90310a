"""Where and when the data of an entry are of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("west", "south", "east", "north", "starts", "ends"):
        op.add_column("entries", sa.Column(name, sa.Double(), nullable=True))
