"""Toxiproxy: built once per user, started for a run, with a control client."""
