"""Says why a run never reached steady state, and whether missing cores may be the reason."""

from __future__ import annotations

from harness.checks.clock import Late, machine_was_busy
from harness.history import History
from harness.history.events import Healthy, NotSteady


def never_steady(history: History) -> str:
    """Return why the service never reached steady state; empty if it did, or if it may have lacked the cores.

    Also empty if something else ended the run before, such as a server that died.
    """
    unsteady = history.last(NotSteady)
    if unsteady is None or history.last(Healthy) is not None or too_busy_for_it(history):
        return ""
    return unsteady.reason


def too_busy_for_it(history: History) -> str:
    """Say that the machine was too busy, if the harness waited in vain for something; otherwise empty."""
    for at, unsteady in history.placed(NotSteady):
        began_ns = at.t_ns - round(unsteady.waited_s * 1e9)
        if unsteady.waited_s and (busy := machine_was_busy(history, Late((began_ns, at.t_ns)))):
            return busy
    return ""
