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

    `asked_by`: the cause: a fault's signal, a `stop`, the `end` of the run; empty if unknown. `after_ms`: the time
    since that signal, if there was one.
    """

    pid: int
    status: int
    asked_by: str = ""
    after_ms: float | None = None


@dataclass(frozen=True, repr=False)
class ServiceNotStarted(Event, kind="service.not_started"):
    """The service had to start and did not come alive. `waited_s`: how long the harness waited; 0 if it ended."""

    reason: str
    waited_s: float = 0.0


@dataclass(frozen=True, repr=False)
class StartEnded(Event, kind="service.start_ended"):
    """The result of a start that had to end. `status`: as in subprocess; None: the harness had to end it.

    `listened`: it accepted connections before. `said`: the end of its output. `says`, `hides`: expressions that its
    output had to contain, and not to contain; empty for none. `statuses`: the allowed statuses; none: any but 0.
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
    """The result of a `prepare`. `status`: as in subprocess; None: the harness had to end it.

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
    """The result of the target's start `name`, beside the service. `status`: as in subprocess; None: it was killed.

    `came_up`: it listened and was alive, and then was asked to end. `fails`: it had to end with one of `statuses`, or
    any but 0. `serves`: it was a start of the service, and not of `prepare`. `said`, `says`, `hides`: as of a start.
    `shown`: secrets in its output, each with the text around it.
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
    """The supervisor restarts the service because process `pid` has ended: restart `number` of `restarts`."""

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
    """A session of the service held a lock for `held_s` that the harness needed for `fault`, so the harness ended it.

    `state` and `query`: its last state and statement, according to the server (PostgreSQL: `pg_stat_activity`).
    """

    link: str
    pid: int
    state: str
    query: str
    held_s: float
    fault: Value

    @property
    def told(self) -> str:
        """In one sentence, for readers."""
        return (
            f"a session of the service on {self.link} (pid {self.pid}, {self.state}, last {self.query!r}) "
            f"held a lock for {self.held_s:g} s, against {self.fault!r}: the harness ended it"
        )


@dataclass(frozen=True, repr=False)
class ServerDied(Event, kind="server.died"):
    """A server is gone, and the harness did not stop it.

    `fault`: an earlier change of this server by the scenario, which may be the reason. `survived`: an earlier change
    after which the server still served the harness, so it is not the reason. Both None: no fault had touched it.
    """

    name: str
    status: int
    log_tail: str
    fault: Value | None = None
    survived: Value | None = None

    @property
    def told(self) -> str:
        """Which server died, and that no fault caused it, for readers."""
        if self.survived is None:
            return f"{self.name} died, and no fault had touched it"
        return f"{self.name} died, and not of {self.survived!r}: it served the harness after that"


@dataclass(frozen=True, repr=False)
class ServerCrashed(Event, kind="server.crashed"):
    """A line of a server's log says that it crashed. It may have recovered by itself.

    `fault`: an earlier change of this server by the scenario, which may be the reason; None: no fault had touched it.
    """

    name: str
    line: str
    fault: Value | None = None

    @property
    def told(self) -> str:
        """Which server crashed, and its log's line, for readers."""
        return f"{self.name} crashed, and no fault had touched it: {self.line}"


@dataclass(frozen=True, repr=False)
class ServerUnusable(Event, kind="server.unusable"):
    """A server that a fault had changed gave the harness an error. `doing`: what the harness did then.

    `over`: the run had ended, and the harness only had to remove its leftovers on the server.
    """

    fault: Value
    doing: str
    problem: str
    over: bool = False
