"""What the harness and its keeper say to each other. One JSON object a line, typed at both ends.

Requests carry a number that their reply repeats; a child has a number that the harness gives it,
so that nothing depends on a pid that the kernel may give away again.
"""

from __future__ import annotations

from dataclasses import dataclass

from harness.processes.syscalls._event import SyscallEvent
from harness.processes.syscalls._rules import Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Spawn:
    """Start child number `child`.

    `preloads`: it is to take orders to fork on descriptor 3 (`_preloaded`). `forked_by`: the number of
    such a child, which forks this one; it goes on from there in place of an exec. 0 for none.
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
    preloads: bool = False
    forked_by: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class SendSignal:
    """Signal a child. `sweep`: when it ends, kill what is left of its session."""

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
    """Answer when all that happened before has been reported."""

    request: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AskOwner:
    """Who will own, outside, what a child writes."""

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
    """Done; `found` is false where the child was gone."""

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
    """The keeper listens."""

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
