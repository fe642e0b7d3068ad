"""Checks of what the service says about itself: its counters, log, metrics, health and alerts, and no secrets."""
