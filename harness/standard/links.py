"""Faults for every link of any protocol: of its connections, its bytes, its server."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.engine.steps import Contract, Deliver, Inject, Restart, Step
from harness.faults import Fault, link, server, syscall
from harness.faults.example import Ground
from harness.protocols.contract.standard import STANDARD
from harness.scenario.schedule import Do, Move
from harness.standard.shapes import MAY_NOT_KNOW, away_for, delivered, during

SHORT_S, LONGER_S, LONGEST_S = 1.0, 12.0, 70.0
"""Outages of different lengths reach different limits: of a retry, a breaker, a pool."""
SLOW_MS = 60
LATE_MS = 3_000


@dataclass(frozen=True, slots=True)
class LinkBreak:
    """One scenario on one link. `name`: the end of its id."""

    name: str
    about: str
    moves: tuple[Move, ...]
    nightly: str = ""
    at_rest: bool = False
    """Whether it strikes only connections that are open between two requests."""
    comes_back: bool = False
    """Whether the server comes back by itself, while the fault is in force."""
    cuts: bool = False
    """Whether it needs an open connection, to cut it."""


def link_breaks(ground: Ground, *, shared: bool = False, delivers: bool = True) -> Iterator[LinkBreak]:
    """What is broken on a link.

    `shared`: another link leads to the same server, and the server's faults are tried there.

    `delivers`: a delivery uses the link. If none does, every request of the contract meets the fault, too.
    """
    others: tuple[Step, ...] = () if delivers else (Contract(),)
    yield from _cut(ground, others)
    yield from _away(ground, others)
    yield from _slow(ground, others)
    if not shared:
        yield from _server(ground)


def _cut(ground: Ground, others: Sequence[Step]) -> Iterator[LinkBreak]:
    at, once = ground.link, STANDARD.of(ground.link.protocol).cut_once
    cut_at_rest: tuple[Move, ...] = (
        Do(Deliver()),
        Do(Inject((link.cut(at),))),
        Do(delivered(3, once)),
        *map(Do, others),
    )
    yield LinkBreak(
        "idle_cut", f"The connections to {at} are cut between two requests.", cut_at_rest, at_rest=True, cuts=True,
    )  # fmt: skip
    yield LinkBreak(
        "error_22",
        f"The connections to {at} are cut, and the kernel answers each new connect with Error 22 (EINVAL).",
        during([syscall.connect(at, errno="EINVAL"), link.cut(at)], [delivered(2), Contract()]),
        cuts=True,
    )


def _away(ground: Ground, others: Sequence[Step]) -> Iterator[LinkBreak]:
    at = ground.link
    down: Fault = link.down(at)
    for seconds, because in (
        (SHORT_S, ""),
        (LONGER_S, "waits for 12 s"),
        (LONGEST_S, "waits for 70 s"),
    ):
        yield LinkBreak(
            f"away_{seconds:g}s", f"The server of {at} is away for {seconds:g} s, and comes back.",
            during([down], away_for(seconds)), because,
        )  # fmt: skip
    yield LinkBreak(
        "away_from_the_start", f"The server of {at} is away when the service starts.",
        during([down], [Restart(), delivered(2), *others]),
    )  # fmt: skip
    yield LinkBreak(
        "away_soon_after_the_start", f"The server of {at} goes away as soon as the service has started.",
        (Do(Restart()), *during([down], [delivered(2), *others])),
    )  # fmt: skip
    yield LinkBreak(
        "silent",
        f"The server of {at} takes what is sent, and answers nothing.",
        during([link.swallow(at)], [delivered(2, MAY_NOT_KNOW), *others]),
    )
    yield LinkBreak(
        "silent_for_every_request", f"The server of {at} answers nothing, during every request of the contract.",
        during([link.swallow(at)], [delivered(1, MAY_NOT_KNOW), Contract()]),
        "each request may take until its deadline",
    )  # fmt: skip
    yield LinkBreak(
        "connects_hang", f"The connections to {at} are cut, and new connects hang.",
        during([link.swallow_syn(at), link.cut(at)], [delivered(2, MAY_NOT_KNOW), *others]),
        "a connect hangs until its deadline", cuts=True,
    )  # fmt: skip


def _slow(ground: Ground, others: Sequence[Step]) -> Iterator[LinkBreak]:
    at = ground.link
    yield LinkBreak(
        "slow",
        f"The server of {at} answers {SLOW_MS} ms late.",
        during([link.latency(at, latency_ms=SLOW_MS)], [delivered(2), *others]),
    )
    yield LinkBreak(
        "late", f"The server of {at} answers {LATE_MS} ms late.",
        during([link.latency(at, latency_ms=LATE_MS)], [delivered(2, MAY_NOT_KNOW), *others]),
        "answers are seconds late",
    )  # fmt: skip


def _server(ground: Ground) -> Iterator[LinkBreak]:
    at = ground.link
    yield LinkBreak(
        "restarted", f"The server of {at} is restarted.",
        during([server.restart(at, down_ms=300)], [delivered(3), Contract()]), comes_back=True,
    )  # fmt: skip
    yield LinkBreak(
        "crashed", f"The server of {at} is killed, and started again.",
        during([server.crash(at, down_ms=0)], [delivered(3), Contract()]), comes_back=True,
    )  # fmt: skip
