"""Alembic's environment: migrations run on the connection that gatepost.store.schema hands over."""

from __future__ import annotations

from alembic import context

from gatepost.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, render_as_batch=True)
context.run_migrations()
