"""Processes of the harness: the keeper that owns all others, and the answers to their system calls."""
