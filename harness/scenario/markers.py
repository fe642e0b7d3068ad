"""Markers of a scenario: what it proves, and what it needs of the machine."""

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
    """Say what makes this scenario fail: with the protections switched off, the check must fail for the reason given.

    For example::

        @proves("commit.resolve", fails="outcome", match="unknown")
        async def test_commit_applied_answer_lost(lab: Lab) -> None:
            async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
                await lab.deliver()

    Two runs try it (`gate --proofs`, `ablate`): the *control* with everything on must hold, the *ablated* run must
    fail. A scenario may have several of these marks, and needs at least one. Unknown
    names are reported when the scenario is collected, with the nearest name that the target has.

    Args:
        protections: what is switched off in the ablated run, by the names in the target description. `name:variant`
            makes one wrong in another way than off. None with `under`: then the profile itself is the ablation.
        fails: the check that must fail in the ablated run.
        match: a regular expression, searched as in `pytest.raises`, in the check's reason and in the service's log.
            In the log it must be found on a line that mentions a failed delivery. Lines that the control's log has
            too do not count. Needed if `fails` is a symptom of many causes; a check of stored rows needs no match.
        without: protections that are off in both runs, because they would mask the failure.
        under: the profile that both runs start from; the target's default profile if not given.

    Returns:
        The mark.
    """
    proof = Proof(protections=protections, fails=fails, match=match, without=without, under=under)
    return pytest.mark.proves(proof)


def needs(*what: Need) -> pytest.MarkDecorator:
    """Say what the machine or the stack must have. Without it, the scenario is `unavailable` and does not run.

    For example::

        @needs("seccomp", "own_ledger")

    An unavailable scenario fails the gate, unless `unavailable.toml` lists it with its reason. A fault
    knows what it needs, but that is checked only when it is injected; with this mark the scenario does not even begin.

    Args:
        what: `seccomp`: the kernel lets the harness answer system calls (`harness doctor` says whether it does).
            `socket_filter`: it lets the harness lose packets at its own sockets (so does the doctor).
            `raw_socket`: it lets the harness see packets, and send ICMP (so does the doctor).
            `prometheus`: a program of that name is on the PATH, or named in `HARNESS_PROMETHEUS`.
            `pgbouncer`: in the same way (`HARNESS_PGBOUNCER`).
            `own_NAME`: the harness has started the server of that name itself; it was not given by URL. Unknown
            words are reported when the scenario is collected.

    Returns:
        The mark.
    """
    return pytest.mark.needs(*what)


def nightly(because: str) -> pytest.MarkDecorator:
    """Say that this scenario is for the night: `gate` leaves it out, unless it is named or `--nightly` is given.

    For example::

        @nightly("waits for two deadlines of 5 s")

    `ablate`, `compare`, `soak` and `verify` run it always. A scenario that waits longer than some four seconds
    belongs here, if a shorter one would notice most of what it is about.

    Args:
        because: why it is not for every push. The line that says what a gate left out shows it.

    Returns:
        The mark.
    """
    return pytest.mark.nightly(because)
