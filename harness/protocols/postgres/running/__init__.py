"""What running a PostgreSQL takes: its programs, data, databases, shared memory, and sessions that hold locks."""
