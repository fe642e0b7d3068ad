"""The history of a run: every request, step, fault and its evidence, in order."""

from harness.history.recorder import Entry, History, Recorder, read_history, recording

__all__ = ["Entry", "History", "Recorder", "read_history", "recording"]
