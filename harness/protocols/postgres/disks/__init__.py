"""Faults of PostgreSQL's disk: it is full, or fails."""
