"""NATS: one folder with all that the harness knows about it."""
