"""The fault space: its points, the possible actions at each, and which points were covered."""
