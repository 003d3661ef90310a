"""The versions of the broker's database, for alembic; :meth:`sampan_hub.database.Database.open` applies them."""
