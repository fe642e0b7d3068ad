"""Says why a run never reached steady state, and whether missing cores may be the reason."""

from __future__ import annotations

from harness.checks.clock import Late, machine_was_busy
from harness.history import History
from harness.history.events import Healthy, NotSteady


def unsteady(history: History) -> bool:
    """Whether the service did not reach steady state, for whatever reason."""
    return history.last(NotSteady) is not None and history.last(Healthy) is None


def never_steady(history: History) -> str:
    """Return why the service never reached steady state; empty if it did, or if it may have lacked the cores.

    Also empty if something else ended the run before, such as a server that died.
    """
    last = history.last(NotSteady)
    if last is None or not unsteady(history) or too_busy_for_it(history):
        return ""
    return last.reason


def too_busy_for_it(history: History) -> str:
    """Say that the machine was too busy, if the harness waited in vain for something; otherwise empty."""
    for at, seen in history.placed(NotSteady):
        began_ns = at.t_ns - round(seen.waited_s * 1e9)
        if seen.waited_s and (busy := machine_was_busy(history, Late((began_ns, at.t_ns)))):
            return busy
    return ""
