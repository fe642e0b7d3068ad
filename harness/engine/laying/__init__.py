"""Prepares what a service runs on: servers that many runs share, and links for this service alone."""
