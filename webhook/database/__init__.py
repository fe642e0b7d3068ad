"""PostgreSQL: connections, statements, and what their failures mean."""
