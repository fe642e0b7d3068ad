"""A pooler between the service and PostgreSQL: how PgBouncer is started and asked, and what it does to a service."""
