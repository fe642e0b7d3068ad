"""PostgreSQL: its wire protocol, version 3, and its server."""
