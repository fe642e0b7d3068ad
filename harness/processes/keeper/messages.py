"""The messages between the harness and its keeper. One JSON object per line, typed at both ends.

A request has a number, which its reply repeats. A child has a number that the harness assigns, because the kernel may
reuse a pid.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.processes.syscalls.event import SyscallEvent
from harness.processes.syscalls.rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """Start child number `child`.

    `preloads`: it takes orders to fork on descriptor 3 (`_preloaded`). `forked_by`: the number of such a child, which
    forks this one instead of an exec; 0 for an exec. `streams`: paths of standard input, output and error; None: no
    input, and the log.
    """

    request: int
    child: int
    argv: tuple[str, ...]
    env: dict[str, str]
    cwd: str
    log: str
    as_user: str
    watched_calls: tuple[str, ...]
    rules: tuple[Rule, ...]
    teardown_signal: int
    may_be_stopped: bool = False
    may_be_unwatched: bool = False
    preloads: bool = False
    forked_by: int = 0
    streams: tuple[str, str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSignal:
    """Signal a child. `sweep`: when it ends, kill the rest of its session."""

    request: int
    child: int
    signum: int
    sweep: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SetRules:
    """Replace a child's rules."""

    request: int
    child: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """Answer when everything that happened before has been reported."""

    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOwner:
    """Ask which user, outside the namespace, will own a child's files."""

    request: int
    as_user: str


Request = Spawn | SendSignal | SetRules | Sync | AskOwner


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """The child runs its program."""

    request: int
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A step of a request failed with `errno` (0: not a system error)."""

    request: int
    step: str
    errno: int
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """The request is done. `found` is False if the child was gone."""

    request: int
    found: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Owner of a child's files, seen from outside."""

    request: int
    uid: int
    gid: int


Reply = Started | Refused | Done | Owner


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The keeper accepts requests."""

    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exited:
    """A child was reaped; a negative status is a signal's number."""

    child: int
    status: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Called:
    """A watched call of a child was answered or passed."""

    child: int
    event: SyscallEvent


Report = Ready | Exited | Called
