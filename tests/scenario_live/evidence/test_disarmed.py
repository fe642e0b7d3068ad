"""Every fault that there is, where nothing of the service's can feel it: a run with it proves nothing.

A new fault comes here by itself, as its class's own example. Where that is felt the failure says what to do.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence

import pytest

from harness import Fault, Lab, Redis, link, postgres, process, redis, server
from harness.capability import PGBOUNCER
from harness.checks import Verdict
from harness.drafting import kinds
from harness.faults.example import Ground
from harness.protocols.postgres.words import Postgres
from harness.results import RunResult
from harness.stack.on_path import POOLER
from harness.vocabulary import Link
from tests.paying import test_live as paying
from tests.scenario_live.links.test_tls import ENCRYPTED, in_tls
from tests.scenario_live.servers import test_pooler, test_sentinel
from tests.scenario_live.support import Runs, evidence

REPLICA, POOLED, SENTINEL = Postgres("replica"), Postgres("pooled"), Redis("sentinel")
NEVER = redis.sent("NEVER")
"""A message that nobody sends."""

INSTEAD: Mapping[str, Fault] = {
    "server.execute": server.execute(redis, "GET nosuch"),
    "server.flush": server.flush(redis, at=NEVER),
}
"""By kind, what is injected in place of an example whose effect is there whatever the service does."""

NEEDS_NO_SERVICE = frozenset(
    {
        "link.cut", "link.down",
        "server.crash", "server.crash_backend", "server.end_sessions", "server.kill_clients", "server.promote",
        "server.restart", "server.stop",
    }
)  # fmt: skip
"""Kinds that end open connections, which a running service has: here it was killed before."""


class NotHere(enum.Enum):
    """Why a fault is not injected here."""

    FELT_WHATEVER_HAPPENS = "its effect is its evidence, and no service can miss it: true of none so far"
    NEEDS_HTTP = "the webhook has no link of HTTP"
    NEEDS_A_POOLER = "there is nothing to pause without `server.pooler`"
    NEEDS_A_SENTINEL = "nothing watches Redis without `server.sentinel`"
    NEEDS_TLS = "the webhook's links are plain"


NOT_HERE: Mapping[str, NotHere] = {
    "link.handshake": NotHere.NEEDS_TLS,
    "server.fail_over": NotHere.NEEDS_A_SENTINEL,
    "server.pause_pooler": NotHere.NEEDS_A_POOLER,
    "wrong_length": NotHere.NEEDS_HTTP,
}


def _link_for(fault: type[Fault]) -> Link:
    """Redis where it may be: of idle connections to PostgreSQL the kernel asks each second whether they live."""
    if fault.of_a_replica or fault.of_a_pooler:
        return REPLICA if fault.of_a_replica else POOLED
    if fault.of_a_sentinel:
        return SENTINEL
    return next(each for each in (redis, postgres) if isinstance(each, fault.fits()))


def _unfelt(kind: str, fault: type[Fault]) -> Fault:
    at = _link_for(fault)
    example = fault.example(Ground(link=at, store=postgres, rows="SELECT id FROM deliveries", place=kind))
    assert example is not None, f"{kind} has no example: give it one, or a fault in INSTEAD"
    return INSTEAD.get(kind, example.fault)


def _group(fault: Fault) -> str:
    """What is tried in one run: a run of faults that are only carried out is inconclusive for a reason of its own."""
    if not any(each.felt for each in fault.evidence):
        return "carried out"
    first = fault.kind.partition(".")[0]
    return first if first in {"link", "server", "wire"} else "others"


def _groups() -> Iterator[tuple[str, Fault]]:
    for kind, fault in kinds().items():
        here = PGBOUNCER not in fault.needs or POOLER.available().available
        if fault.__module__.startswith("harness.") and kind not in NOT_HERE and here:
            made = _unfelt(kind, fault)
            yield "no service" if kind in NEEDS_NO_SERVICE else _group(made), made


def _of(group: str) -> Sequence[Fault]:
    return [fault for each, fault in _groups() if each == group]


def _proves_nothing(result: RunResult, faults: Sequence[Fault]) -> None:
    found = evidence(result)
    for fault in faults:
        counts = {each.kind for each in fault.evidence if each.felt} & set(found.get(repr(fault), ()))
        assert not counts, (
            f"{fault!r} left {', '.join(sorted(counts))}, and nothing was asked of the service. If nothing of the"
            " service's felt it, its evidence is wrong: mend the fault. If it ends the service's open connections, put"
            " its kind into NEEDS_NO_SERVICE; if another value of it can be unfelt, that value into INSTEAD; else its"
            " kind into NOT_HERE, with the reason"
        )
        assert repr(fault) in found, f"{fault!r} was never in force: {result.reason}"
    assert (result.verdict, result.failing_checks) == (Verdict.INCONCLUSIVE, ()), result.reason


@pytest.mark.parametrize("group", ["link", "wire", "server", "others", "carried out"])
def test_nothing_is_asked_while_it_is_broken(runs: Runs, group: str) -> None:
    faults = _of(group)

    async def play(lab: Lab) -> None:
        for fault in faults:
            async with lab.inject(fault):
                pass
        await lab.deliver()

    _proves_nothing(runs(play), faults)


def test_there_is_no_service_while_it_is_broken(runs: Runs) -> None:
    faults = _of("no service")

    async def play(lab: Lab) -> None:
        async with lab.inject(process.kill()):
            for fault in faults:
                async with lab.inject(fault):
                    pass
        await lab.deliver()

    _proves_nothing(runs(play), faults)


def test_no_handshake_takes_place(runs: Runs) -> None:
    fault = link.handshake(redis, how="cut")

    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            pass
        await lab.deliver()

    _proves_nothing(runs.on(target=in_tls(runs.bed.target, **ENCRYPTED))(play), [fault])


ELSEWHERE: Mapping[NotHere, Callable[..., None]] = {
    NotHere.NEEDS_HTTP: paying.test_a_fault_that_nothing_meets_is_inconclusive,
    NotHere.NEEDS_A_POOLER: test_pooler.test_a_pooler_that_the_service_does_not_use_is_no_evidence,
    NotHere.NEEDS_A_SENTINEL: test_sentinel.test_a_failover_that_the_service_does_not_notice_is_no_evidence,
    NotHere.NEEDS_TLS: test_no_handshake_takes_place,
}
"""The test that has such a fault in a run where nothing of the service's can feel it."""


def test_every_fault_that_there_is_proves_nothing_where_it_is_not_felt() -> None:
    """Those that `harness faults` lists: each is in one of the runs above, or in the test that is named for it."""
    there = {kind: fault for kind, fault in Fault.kinds().items() if fault.__module__.startswith("harness.")}
    cannot_be = {kind for kind, fault in there.items() if PGBOUNCER in fault.needs and not POOLER.available().available}
    tried = {made.kind for _, made in _groups()}

    assert {"server.sentinel", "server.fail_write", "process.clock", "syscall.connect", "names.slow"} <= tried
    assert tried | NOT_HERE.keys() | cannot_be == there.keys() - {"no_fault"}
    for kind, why in NOT_HERE.items():
        test = ELSEWHERE[why]
        module = inspect.getmodule(test)
        assert module is not None
        assert kind.removeprefix("link.") in inspect.getsource(module)
        assert any(word in inspect.getsource(test) for word in ("Verdict.INCONCLUSIVE", "_proves_nothing"))


def test_what_is_said_of_faults_is_said_of_those_that_there_are() -> None:
    assert {*INSTEAD, *NEEDS_NO_SERVICE, *NOT_HERE} <= kinds().keys()
    assert not {*INSTEAD, *NEEDS_NO_SERVICE} & NOT_HERE.keys()
