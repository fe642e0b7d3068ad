"""Markers of a scenario: what it proves, and what the machine must have for it."""

from __future__ import annotations

from typing import overload

import pytest

from harness.checks.proof import CheckName, Proof, StateCheck, SymptomCheck
from harness.faults.fault import Need


@overload
def proves(
    *protections: str, fails: StateCheck, match: str = "", without: tuple[str, ...] = (), under: str | None = None
) -> pytest.MarkDecorator: ...
@overload
def proves(
    *protections: str, fails: SymptomCheck, match: str, without: tuple[str, ...] = (), under: str | None = None
) -> pytest.MarkDecorator: ...
def proves(
    *protections: str, fails: CheckName, match: str = "", without: tuple[str, ...] = (), under: str | None = None
) -> pytest.MarkDecorator:
    """Say what makes this scenario fail: like a strict xfail, for the run with the protections off.

    Check `fails` must then fail, and `match`, a regular expression as in `pytest.raises`, must be
    found in that check's reason or in the service's log of the scenario: there on a line that names a
    delivery that failed and that the control's log has not, unless that log has nothing of the kind.
    `without`: protections that are off in the control run too, since they would mask it. A protection
    may be wrong in other ways than off: `name:variant`, as the target description has it. `under`:
    start from that profile; with no protection named, the profile as it is.
    """
    proof = Proof(protections=protections, fails=fails, match=match, without=without, under=under)
    return pytest.mark.proves(proof)


def needs(*what: Need) -> pytest.MarkDecorator:
    """Say what the machine or the stack must have for a scenario; where it has not, the scenario is `unavailable`.

        @needs("seccomp", "own_ledger")

    `own_NAME`: the server that the target calls so is started by the harness, and was not given by URL.
    """
    return pytest.mark.needs(*what)
