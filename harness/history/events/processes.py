"""What happened to the service, its log, its sessions and the servers."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class ServiceStarted(Event, kind="service.started"):
    """The service listens and reports that it is alive."""

    pid: int
    port: int
    took_ms: float


@dataclass(frozen=True, repr=False)
class ServiceEnded(Event, kind="service.ended"):
    """The service's process has ended. `status` as in subprocess.

    `asked_by`: what ended it: a signal that a fault sent, a `stop`, the `end` of the run; empty if unknown. `after_ms`:
    how long after that signal, if there was one.
    """

    pid: int
    status: int
    asked_by: str = ""
    after_ms: float | None = None


@dataclass(frozen=True, repr=False)
class ServiceNotStarted(Event, kind="service.not_started"):
    """The service was to start and did not come alive. `waited_s`: for how long it was waited for; 0 if it ended."""

    reason: str
    waited_s: float = 0.0


@dataclass(frozen=True, repr=False)
class StartEnded(Event, kind="service.start_ended"):
    """What became of a start that had to end. `status`: as in subprocess; None: the harness had to end it.

    `listened`: it accepted connections before. `said`: the end of its output. `says`, `hides`: the expressions that had
    to be found in its output, and not; empty for none. `statuses`: those with which it may end; none: any but 0.
    """

    pid: int
    status: int | None
    took_ms: float
    listened: bool
    said: str
    says: str = ""
    hides: str = ""
    statuses: tuple[int, ...] = ()


@dataclass(frozen=True, repr=False)
class PrepareEnded(Event, kind="prepare.ended"):
    """What became of a `prepare`. `status`: as in subprocess; None: the harness had to end it.

    `fails`: it had to end with a status that is not 0. `said`, `says`, `hides`: as of a start.
    """

    pid: int
    status: int | None
    took_ms: float
    said: str
    fails: bool = False
    says: str = ""
    hides: str = ""


@dataclass(frozen=True, repr=False)
class StartTried(Event, kind="start.tried"):
    """What became of the target's start `name`, beside the service. `status`: as in subprocess; None: it was killed.

    `came_up`: it listened and was alive, and then was asked to end. `fails`: it had to end with one of `statuses`, or
    any but 0. `serves`: it was a start of the service, and not of `prepare`. `said`, `says`, `hides`: as of a start.
    `shown`: secrets in its output, each with what is around it.
    """

    name: str
    pid: int
    status: int | None
    took_ms: float
    came_up: bool
    said: str
    fails: bool = True
    serves: bool = True
    says: str = ""
    hides: str = ""
    statuses: tuple[int, ...] = ()
    shown: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class Supervised(Event, kind="service.supervised"):
    """The supervisor starts the service again, for the time `number` of `restarts`: process `pid` has ended."""

    number: int
    restarts: int
    pid: int
    status: int


@dataclass(frozen=True, repr=False)
class UnhandledLogged(Event, kind="unhandled"):
    """A line of the service's log that reports an unhandled exception.

    `ends_with`: where it begins a Python traceback, the line that closes it: the exception.
    """

    line: str
    ends_with: str = ""


@dataclass(frozen=True, repr=False)
class ServiceLog(Event, kind="service.log"):
    """What the service logged while the scenario ran."""

    text: str


@dataclass(frozen=True, repr=False)
class SessionLeaked(Event, kind="session.leaked"):
    """A session of the service's held a lock for `held_s` that the harness needed for `fault`, so the harness ended it.

    `state` and `query`: what it did last, according to the server (PostgreSQL: `pg_stat_activity`).
    """

    link: str
    pid: int
    state: str
    query: str
    held_s: float
    fault: Value

    @property
    def told(self) -> str:
        """In one sentence, for people."""
        return (
            f"a session of the service on {self.link} (pid {self.pid}, {self.state}, last {self.query!r}) "
            f"held a lock for {self.held_s:g} s, against {self.fault!r}: the harness ended it"
        )


@dataclass(frozen=True, repr=False)
class ServerDied(Event, kind="server.died"):
    """A server is gone, and the harness did not stop it.

    `fault`: what the scenario had this server do before, which may be why. `survived`: what the scenario had it do
    before, after which it still served the harness: that is not why. Both None: no fault had touched it.
    """

    name: str
    status: int
    log_tail: str
    fault: Value | None = None
    survived: Value | None = None

    @property
    def told(self) -> str:
        """Who died, and what no fault has to do with it; for people."""
        if self.survived is None:
            return f"{self.name} died, and no fault had touched it"
        return f"{self.name} died, and not of {self.survived!r}: it served the harness after that"


@dataclass(frozen=True, repr=False)
class ServerCrashed(Event, kind="server.crashed"):
    """A line of a server's log says that it crashed. It may have recovered by itself.

    `fault`: what the scenario had this server do before, which may be why; None: no fault had touched it.
    """

    name: str
    line: str
    fault: Value | None = None

    @property
    def told(self) -> str:
        """Who crashed, and by which line; for people."""
        return f"{self.name} crashed, and no fault had touched it: {self.line}"


@dataclass(frozen=True, repr=False)
class ServerUnusable(Event, kind="server.unusable"):
    """What a fault had left of a server gave the harness an error. `doing`: what the harness did then.

    `over`: the run had ended by then, and only its leftovers on the server were to be removed.
    """

    fault: Value
    doing: str
    problem: str
    over: bool = False
