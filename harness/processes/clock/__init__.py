"""Sets the wall clock of one running process forward or back, by changing its vDSO."""

from harness.processes.clock._probe import clock_settable
from harness.processes.clock._process import NoClockError, set_clock

__all__ = ["NoClockError", "clock_settable", "set_clock"]
