"""Tries every order in which a server can receive the statements of several requests."""
