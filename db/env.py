"""Alembic's environment: runs migrations on the connection that aggregator.store.migrate hands over."""

from alembic import context

from aggregator.store import schema

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=schema.feed.metadata, render_as_batch=True, compare_type=True)
context.run_migrations()
