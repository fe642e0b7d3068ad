"""Searches for the moments at which a service breaks: the fault space, the sweep, and the orders of statements."""
