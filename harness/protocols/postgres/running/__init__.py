"""Parts of a running PostgreSQL: its programs, data, databases, shared memory, and sessions that hold locks."""
