"""The fault space: its points, what can be done at each, and which were covered."""
