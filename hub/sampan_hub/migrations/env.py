"""What alembic runs around a migration: on the connection it is given, within the caller's transaction."""

from __future__ import annotations

from alembic import context

from sampan_hub.tables import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
context.run_migrations()
