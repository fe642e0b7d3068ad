"""Observes the service: its figures, log, memory, health, and what it waits for."""
