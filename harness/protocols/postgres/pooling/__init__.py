"""A pooler between the service and PostgreSQL: how the harness starts and asks PgBouncer, and its faults."""
