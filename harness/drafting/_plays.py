"""For each kind of fault a short play in which it leaves evidence, and a sound service holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from harness.drafting._ground import Ground
from harness.engine.steps import Deliver, Heal, Inject, Restart, Step, Until
from harness.faults import Fault, link, process, server, syscall, wire
from harness.protocols.postgres.words import Postgres
from harness.protocols.redis.words import Redis
from harness.scenario.schedule import Begin, Do, End, Move
from harness.vocabulary import ANY_OUTCOME, REFUSED, UNKNOWN

Play = tuple[Move, ...]
Writer = Callable[[Ground], Play]

SOME = 5
"""Deliveries: as many as a small pool has connections, so that each of them meets the fault."""
DEAD_URLS = {"postgres": "postgresql://nobody@[fe80::1]:5432/nothing", "redis": "redis://[fe80::1]:6379"}
"""Link-local, without a scope: the kernel itself says that there is no way there."""
RATES_KB_S = {"postgres": 100, "redis": 10}
"""The largest body passes within a statement's time-out, and the smallest command takes a millisecond."""
BUSY_ERRORS = {"postgres": "40001", "redis": "LOADING"}


def _while(*faults: Fault, do: tuple[Step, ...]) -> Play:
    """The faults are on while the steps are done."""
    return (Begin(1, Inject(faults)), *map(Do, do), End(1))


def _in_turn(*steps: Step) -> Play:
    return tuple(map(Do, steps))


def _met_by_deliveries(fault: Fault, steps: Deliver | None = None) -> Play:
    """The fault holds deliveries up: it is healed when one has met it."""
    begun = Begin(1, steps or Deliver())
    return (Do(Inject((fault,))), begun, Do(Until(fault.fired())), Do(Heal((fault,))), End(1))


def _once(make: Callable[[Ground], Fault]) -> Writer:
    """It strikes, and is over: what comes next must be acknowledged."""
    return lambda ground: _in_turn(Inject((make(ground),)), Deliver(SOME))


def _between(make: Callable[[Ground], Fault]) -> Writer:
    """It takes something away that there must be first."""
    return lambda ground: _in_turn(Deliver(), Inject((make(ground),)), Deliver())


def _borne(make: Callable[[Ground], Fault]) -> Writer:
    """The link is worse than it was, and good enough."""
    return lambda ground: _while(make(ground), do=(Deliver(SOME),))


def _no_use(make: Callable[[Ground], Fault]) -> Writer:
    """The link is of no use: what is to be stored is refused, what can do without it is acknowledged."""
    return lambda ground: _while(make(ground), do=(Deliver(SOME, expect=ground.without_link),))


def _one_message(make: Callable[[Ground], Fault]) -> Writer:
    """One message meets it."""
    return lambda ground: _while(make(ground), do=(Deliver(),))


def _waits(make: Callable[[Ground], Fault]) -> Writer:
    return lambda ground: _met_by_deliveries(make(ground))


def _slow_close(ground: Ground) -> Play:
    """Only a close is late, and the service does not close of itself."""
    return _while(link.slow_close(ground.link, delay_ms=1_000), do=(Restart(), Deliver(expect=ANY_OUTCOME)))


def _connect(ground: Ground) -> Play:
    """Open connections would be used on: they are cut first."""
    answered = syscall.connect(ground.link, errno="EINVAL")
    return _while(answered, link.cut(ground.link), do=(Deliver(SOME, expect=ground.without_link),))


def _duplicate(ground: Ground) -> Play:
    """No service can mend that. What a new connection of PostgreSQL's is told of its settings may be told twice."""
    if isinstance(ground.link, Redis):
        return _while(wire.duplicate(ground.answered), do=(Deliver(),))
    setting = wire.duplicate(ground.link.answered(message="ParameterStatus"))
    return _while(setting, link.cut(ground.link), do=(Deliver(),))


def _execute(ground: Ground) -> Play:
    """A statement that PostgreSQL says it has carried out, a command to which Redis says yes."""
    text = "CLIENT KILL TYPE normal SKIPME yes" if isinstance(ground.link, Redis) else f"ANALYZE {ground.table}"
    return _in_turn(Inject((server.execute(ground.link, text),)), Deliver(SOME))


def _order(ground: Ground) -> Play:
    """Of two copies of a delivery the later overtakes the earlier, which waits for it."""
    first, second = (ground.link.sent(ground.sent.text, connection=number) for number in (1, 2))
    return _while(wire.order(second, first), do=(Deliver(copies=2),))


def _kill(ground: Ground) -> Play:
    """The service is killed with a delivery under way: nothing was promised."""
    return _while(process.kill(at=ground.sent), do=(Deliver(expect=UNKNOWN),))


def _terminate(ground: Ground) -> Play:
    """What was taken is answered, what comes then is refused."""
    hold = wire.hold(ground.sent)
    return (
        Do(Inject((hold,))),
        Begin(1, Deliver(SOME)),
        Do(Until(hold.fired())),
        Begin(2, Inject((process.terminate(),))),
        Do(Deliver(expect=REFUSED)),
        Do(Heal((hold,))),
        End(2),
        End(1),
    )


def _pause(ground: Ground) -> Play:
    """Felt by whoever waits for an answer meanwhile."""
    del ground
    return _met_by_deliveries(process.pause(), Deliver(expect=ANY_OUTCOME))


PLAYS: Mapping[str, Writer] = {
    "link.bandwidth": _borne(lambda ground: link.bandwidth(ground.link, rate_kb_s=RATES_KB_S[ground.link.protocol])),
    "link.cut": _once(lambda ground: link.cut(ground.link)),
    "link.down": _no_use(lambda ground: link.down(ground.link)),
    "link.latency": _borne(lambda ground: link.latency(ground.link, latency_ms=200)),
    "link.limit_data": _no_use(lambda ground: link.limit_data(ground.link, limit_bytes=2)),
    "link.reset": _no_use(lambda ground: link.reset(ground.link)),
    "link.slicer": _borne(lambda ground: link.slicer(ground.link, average_bytes=2, delay_us=100)),
    "link.slow_close": _slow_close,
    "link.swallow": _no_use(lambda ground: link.swallow(ground.link)),
    "link.timeout": _no_use(lambda ground: link.timeout(ground.link, timeout_ms=500)),
    "process.kill": _kill,
    "process.misconfigure": _no_use(
        lambda ground: process.misconfigure(ground.link, url=DEAD_URLS[ground.link.protocol])
    ),
    "process.pause": _pause,
    "process.terminate": _terminate,
    "server.end_sessions": _once(lambda ground: server.end_sessions(ground.link_as(Postgres))),
    "server.execute": _execute,
    "server.flush": _between(lambda ground: server.flush(ground.link_as(Redis))),
    "server.hold_commits": _waits(lambda ground: server.hold_commits(ground.link_as(Postgres), ground.table)),
    "server.lock": _waits(lambda ground: server.lock(ground.link_as(Postgres), ground.table)),
    "server.poison": _borne(lambda ground: server.poison(ground.link_as(Redis))),
    "syscall.connect": _connect,
    "wire.corrupt": _one_message(lambda ground: wire.corrupt(ground.answered, at_byte=0)),
    "wire.cut": _one_message(lambda ground: wire.cut(ground.answered)),
    "wire.delay": _one_message(lambda ground: wire.delay(ground.answered, delay_ms=200)),
    "wire.drop": _one_message(lambda ground: wire.drop(ground.answered)),
    "wire.drop_and_close": _one_message(lambda ground: wire.drop_and_close(ground.sent)),
    "wire.duplicate": _duplicate,
    "wire.fail": _one_message(lambda ground: wire.fail(ground.sent, code=BUSY_ERRORS[ground.link.protocol])),
    "wire.hold": _waits(lambda ground: wire.hold(ground.sent)),
    "wire.late": _one_message(lambda ground: wire.late(ground.answered)),
    "wire.order": _order,
    "wire.reset": _one_message(lambda ground: wire.reset(ground.answered)),
    "wire.stall": _one_message(lambda ground: wire.stall(ground.answered)),
}
"""By the fault's kind. All but `no_fault`, which breaks nothing."""
