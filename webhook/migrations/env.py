"""Alembic's entry: runs on the connection that `webhook.migrate` has opened."""

from alembic import context

from webhook.database.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
