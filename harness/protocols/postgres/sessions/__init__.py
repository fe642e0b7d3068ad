"""Faults that a second session causes with its own statements: a deadlock, a migration."""
