"""The steps of a scenario as data. Python's lab and a schedule file perform the same steps."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from harness.errors import UsageError
from harness.faults.fault import Fault
from harness.vocabulary import ACKNOWLEDGED, ENDS, BytesPerRequest, Figure, Moment, Outcome, Start, Value
from harness.vocabulary.refusals import DAY_S, an_expression, at_least_one, some_outcome

REQUESTS_MAX = 10_000
CLIENTS_MAX = 1_000
WAIT_MAX_S = 600.0
RESTARTS_MAX = 100
PREPARES_MAX = 20
COPIES_MAX = 5
SETTING = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=[^\0]*", re.DOTALL)


@dataclass(frozen=True, repr=False)
class Step(Value):
    """One call of a verb of the lab. Its `repr` is the call: `deliver(5, copies=2)`."""

    awaited: ClassVar[bool] = True
    """Whether it can be done to its end."""
    entered: ClassVar[bool] = False
    """Whether it can last while a block runs."""


@dataclass(frozen=True, repr=False)
class Deliver(Step, kind="deliver"):
    """Send `n` different deliveries, each in `copies`, all at once.

    `slower_ms_max` is how much longer than this run's own healthy answer each may take.
    """

    entered: ClassVar[bool] = True
    n: int = 1
    copies: int = field(default=1, kw_only=True)
    expect: Outcome = field(default=ACKNOWLEDGED, kw_only=True)
    slower_ms_max: float | None = field(default=None, kw_only=True)
    hang_up_at: Moment | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("n", "copies"):
            _within(self.kind, name, getattr(self, name), REQUESTS_MAX)
        _within(self.kind, "n * copies", self.n * self.copies, REQUESTS_MAX)
        some_outcome(self.kind, "expect", self.expect)
        _no_negative(self.kind, "slower_ms_max", self.slower_ms_max)


@dataclass(frozen=True, repr=False)
class Traffic(Step, kind="traffic"):
    """`clients` clients, each sending the next delivery when the last is answered."""

    awaited: ClassVar[bool] = False
    entered: ClassVar[bool] = True
    clients: int = field(kw_only=True)
    expect: Outcome = field(default=ACKNOWLEDGED, kw_only=True)
    slower_ms_max: float | None = field(default=None, kw_only=True)
    small: bool = field(default=False, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _within(self.kind, "clients", self.clients, CLIENTS_MAX)
        some_outcome(self.kind, "expect", self.expect)
        _no_negative(self.kind, "slower_ms_max", self.slower_ms_max)


@dataclass(frozen=True, repr=False)
class Request(Step, kind="request"):
    """Send one request of the target's contract by its name, about a delivery that the scenario has sent."""

    entered: ClassVar[bool] = True
    name: str
    of: int | None = field(default=-1, kw_only=True)
    expect: Outcome | None = field(default=None, kw_only=True)
    within_ms: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.expect is not None:
            some_outcome(self.kind, "expect", self.expect)
        if self.within_ms is not None and self.expect is None:
            mend = "give expect, such as ACKNOWLEDGED"
            raise UsageError.at(self.kind, "within_ms", self.within_ms, "nothing is waited for", mend=mend)
        _no_negative(self.kind, "within_ms", self.within_ms)


@dataclass(frozen=True, repr=False)
class Contract(Step, kind="contract"):
    """Send every request of the target's contract once, and judge each by what the service owes now.

    `slow`: of the right and the wrong ones only those that take seconds.
    """

    slow: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, repr=False)
class Inject(Step, kind="inject"):
    """Inject faults, in this order."""

    entered: ClassVar[bool] = True
    faults: tuple[Fault, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        _some_faults(self.kind, self.faults)


@dataclass(frozen=True, repr=False)
class Heal(Step, kind="heal"):
    """Heal faults by their values, in this order."""

    faults: tuple[Fault, ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        _some_faults(self.kind, self.faults)


@dataclass(frozen=True, repr=False)
class Until(Step, kind="until"):
    """Wait for a moment. States are polled; events count since the last `inject` or `heal` began."""

    moment: Moment
    within_s: float = field(default=10.0, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.within_s <= DAY_S:
            problem = "is over before it begins" if self.within_s <= 0 else "could never be missed"
            mend = f"write more than 0, and {DAY_S:g} at most"
            raise UsageError.at(self.kind, "within_s", self.within_s, problem, mend=mend)


@dataclass(frozen=True, repr=False)
class Wait(Step, kind="wait"):
    """Let time pass. `because`: why there is no moment to wait for instead."""

    seconds: float
    because: str = field(kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.seconds <= WAIT_MAX_S:
            mend = f"write more than 0, and {WAIT_MAX_S:g} at most"
            raise UsageError.at(self.kind, "seconds", self.seconds, "no time, or more than a scenario has", mend=mend)
        if not self.because.strip():
            mend = "say what must pass by itself; to wait for something that happens, use until(...)"
            raise UsageError.at(self.kind, "because", self.because, "is no reason", mend=mend)


@dataclass(frozen=True, repr=False)
class Restart(Step, kind="restart"):
    """Stop and start the service. Done when it is alive (not: ready), or when it has ended as it must.

    `settings`: environment variables of this start, each `NAME=value`. `says`, `hides`: what the output of a start that
    must end must contain, and what it must not contain.
    """

    settings: tuple[str, ...] = ()
    expect: Start = field(default=Start.ALIVE, kw_only=True)
    says: str = field(default="", kw_only=True)
    hides: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        for setting in self.settings:
            if not SETTING.fullmatch(setting):
                mend = "write NAME=value, such as SHOP_POOL=5"
                raise UsageError.at(self.kind, "settings", setting, "is not an environment variable", mend=mend)
        if len(self.expect) != 1:
            raise UsageError.at(self.kind, "expect", self.expect, "a start has one result", mend="write ENDS")
        for name in ("says", "hides"):
            text = getattr(self, name)
            if text and self.expect is not ENDS:
                mend = "add expect=ENDS; lab.until(service.logged(...)) waits for a line of a service that lives"
                raise UsageError.at(
                    self.kind, name, text, "only the output of a start that must end is checked", mend=mend
                )
            an_expression(self.kind, name, text)

    @property
    def is_plain(self) -> bool:
        """Whether the service is started with its usual settings and must be alive."""
        return not self.settings and self.expect is Start.ALIVE

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings by name; the last one of a name counts."""
        return dict(setting.split("=", 1) for setting in self.settings)


@dataclass(frozen=True, repr=False)
class Supervised(Step, kind="supervised"):
    """Restart the service when it has ended with a status that is not 0, `restarts` times at most."""

    awaited: ClassVar[bool] = False
    entered: ClassVar[bool] = True
    restarts: int = field(default=3, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _within(self.kind, "restarts", self.restarts, RESTARTS_MAX)


@dataclass(frozen=True, repr=False)
class Copies(Step, kind="copies"):
    """`n` processes of the service at once, all with the same settings and links; requests take turns."""

    awaited: ClassVar[bool] = False
    entered: ClassVar[bool] = True
    n: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.n <= COPIES_MAX:
            mend = f"write 2 to {COPIES_MAX}"
            raise UsageError.at(
                self.kind, "n", self.n, "there is one already, and more than a few would only wait", mend=mend
            )


@dataclass(frozen=True, repr=False)
class Roll(Step, kind="roll"):
    """A rolling change: a new process of the service starts, then the old one is asked to end, and drains."""

    entered: ClassVar[bool] = True


@dataclass(frozen=True, repr=False)
class Prepare(Step, kind="prepare"):
    """Run the target's `prepare`, `copies` at once, on the service's own database or on an empty one.

    `tries`: one that fails is run again on the same database, up to this many times. `fails`: each must end with a
    status that is not 0. `says`, `hides`: what its output must contain, and what it must not contain.
    """

    entered: ClassVar[bool] = True
    copies: int = field(default=1, kw_only=True)
    empty: bool = field(default=False, kw_only=True)
    tries: int = field(default=1, kw_only=True)
    fails: bool = field(default=False, kw_only=True)
    says: str = field(default="", kw_only=True)
    hides: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        _within(self.kind, "copies", self.copies, PREPARES_MAX)
        _within(self.kind, "tries", self.tries, PREPARES_MAX)
        if self.fails and self.tries > 1:
            raise UsageError.at(
                self.kind, "tries", self.tries, "a command that has to fail is not retried", mend="leave it"
            )
        for name in ("says", "hides"):
            an_expression(self.kind, name, getattr(self, name))


@dataclass(frozen=True, repr=False)
class Starts(Step, kind="starts"):
    """Try each start of the target's `[starts]` beside the service."""


@dataclass(frozen=True, repr=False)
class Variants(Step, kind="variants"):
    """Send every variant of the target's requests, and compare each answer with the approved one."""


@dataclass(frozen=True, repr=False)
class Alerts(Step, kind="alerts"):
    """Let a Prometheus watch the service with production's rules. `fires`: the alerts that must fire; no other may."""

    awaited: ClassVar[bool] = False
    entered: ClassVar[bool] = True
    fires: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class FigureStep(Step):
    """The common base of steps that limit a figure."""

    figure: Figure
    at_most: float | None = field(default=None, kw_only=True)
    at_least: float | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.at_most is None and self.at_least is None:
            raise UsageError.at(
                self.kind, "limits", None, "without a limit any number would hold", mend="give at_most or at_least"
            )


@dataclass(frozen=True, repr=False)
class Expect(FigureStep, kind="expect"):
    """Judge a figure at the end, over the whole scenario."""


@dataclass(frozen=True, repr=False)
class Limits(FigureStep, kind="limits"):
    """Judge a figure over a block, from its beginning to its end."""

    awaited: ClassVar[bool] = False
    entered: ClassVar[bool] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.figure, BytesPerRequest):
            mend = "write lab.expect(...)"
            raise UsageError.at(self.kind, "figure", self.figure, "needs the requests of a whole scenario", mend=mend)


def _within(place: str, name: str, number: int, at_most: int) -> None:
    at_least_one(place, name, number, "does nothing")
    if number > at_most:
        raise UsageError.at(
            place, name, number, "is more than the sockets of one machine allow", mend=f"write {at_most} or less"
        )


def _no_negative(place: str, name: str, number: float | None) -> None:
    if number is not None and not 0 <= number <= 1000 * DAY_S:
        problem = "no answer is that fast" if number < 0 else "no answer could be slower"
        raise UsageError.at(place, name, number, problem, mend=f"write 0 or more, and {1000 * DAY_S:g} at most")


def _some_faults(place: str, faults: tuple[Fault, ...]) -> None:
    if not faults:
        mend = "name a fault, such as link.down(redis)"
        raise UsageError.at(place, "faults", faults, "there is nothing to do", mend=mend)
