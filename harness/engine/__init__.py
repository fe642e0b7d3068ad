"""Drives a service: its links are laid, steps are performed, what happens is observed."""
