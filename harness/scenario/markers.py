"""Markers of a scenario: what it proves, what it needs from the machine, and whether it runs at night only."""

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

    `gate --proofs` and `ablate` test this with two runs: the *control* with everything on must hold, the *ablated* run
    must fail. A scenario may have several of these marks, and needs at least one. If a name is unknown, the collection
    of the scenario fails with the nearest name that the target has.

    Args:
        protections: what is switched off in the ablated run, by the names in the target description. `name:variant`
            makes a protection wrong instead of switching it off. With `under` it may be empty: then the profile itself
            is the ablation.
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
    """Say what the machine or the stack must have. If it lacks that, the scenario is `unavailable` and does not run.

    For example::

        @needs("seccomp", "own_ledger")

    An unavailable scenario fails the gate, unless `unavailable.toml` lists it with its reason. A fault knows what it
    needs, but this is checked only when the fault is injected. With this mark the scenario does not begin.

    Args:
        what: `seccomp`: the kernel lets the harness answer system calls (`harness doctor` reports whether it does).
            `socket_filter`: the kernel lets the harness drop packets at its own sockets (see `harness doctor`).
            `raw_socket`: the kernel lets the harness see packets and send ICMP (see `harness doctor`).
            `prometheus`: a program of that name is on the PATH, or named in `HARNESS_PROMETHEUS`.
            `pgbouncer`: in the same way (`HARNESS_PGBOUNCER`).
            `own_NAME`: the harness has started the server of that name itself; it was not given by URL. Unknown
            words are reported when the scenario is collected.

    Returns:
        The mark.
    """
    return pytest.mark.needs(*what)


def nightly(because: str) -> pytest.MarkDecorator:
    """Run this scenario at night only: `gate` leaves it out, unless you name it or pass `--nightly`.

    For example::

        @nightly("waits for two deadlines of 5 s")

    `ablate`, `compare`, `soak` and `verify` always run it. Use it for a scenario that waits longer than about four
    seconds, or that differs from another one by a value only, if the other one finds most of the same defects.

    Args:
        because: why it does not run on every push. The gate's line about scenarios that it left out shows it.

    Returns:
        The mark.
    """
    return pytest.mark.nightly(because)
