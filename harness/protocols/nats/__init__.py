"""NATS: everything that the harness knows about it."""
