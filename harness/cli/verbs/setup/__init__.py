"""Verbs for the start of a project: its first files, and what the machine and the service offer."""
