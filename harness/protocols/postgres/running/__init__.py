"""What running a PostgreSQL takes: its programs, databases, shared memory, and sessions that hold locks."""
