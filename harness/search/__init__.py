"""Searches a service for the moment at which it breaks: the fault space, the sweep, the orders, their maps."""
