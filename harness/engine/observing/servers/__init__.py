"""Observes the servers and the relay: rows, sessions, statements, deaths and logs."""
