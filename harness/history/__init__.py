"""The history of a run: requests, steps, faults and their evidence, in order."""

from harness.history.recorder import Entry, History, Recorder, read_history, recording

__all__ = ["Entry", "History", "Recorder", "read_history", "recording"]
