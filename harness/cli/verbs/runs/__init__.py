"""Verbs that run scenarios, and judge them."""
