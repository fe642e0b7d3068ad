"""Toxiproxy: built once for each user, started for a run, and its control client."""
