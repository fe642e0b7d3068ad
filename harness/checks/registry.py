"""Checks: each one is a function from a history to what it examined, registered under its own name.

    @check(Kind.LIVENESS)
    def drains(history: History) -> Examined:
        \"\"\"Told to end by SIGTERM, the service ends by itself with status 0.\"\"\"

The first line of its docstring says what must hold. The registration decides everything else: the order in which
failures are reported, what the report shows for each check, and which checks a proof may name.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.checks.clock import Late
from harness.checks.verdict import CheckResult
from harness.history import History


class Kind(enum.StrEnum):
    """What a check judges, which decides when its failure counts."""

    SAFETY = "safety"
    """What is stored. It counts whether or not a fault left evidence."""
    LIVENESS = "liveness"
    """What clients and the service experienced. Many causes have the same symptom, so a proof must name its cause."""
    REST = "rest"
    """What is left when the service gets no more requests. A proof needs no reason besides the failing check."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What a check saw in one history.

    `problem`: why it failed, as a sentence; empty if it holds. `saw`: what it examined, in one line, whether it failed
    or not. `observations`: how many things it examined; with 0 there was nothing to examine. `safety`: False if a
    failure of a safety check is not about the rows. `firm`, `deliveries`, `clock`, `blurred`, `symptom` and `seen_ns`:
    see `CheckResult`.
    """

    problem: str = ""
    saw: str
    observations: int
    safety: bool = True
    firm: bool = True
    deliveries: tuple[str, ...] = ()
    clock: tuple[Late, ...] = ()
    blurred: str = ""
    symptom: tuple[str, ...] = ()
    seen_ns: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A registered check. Call it with a history.

    For example::

        failing = [result for check in STANDING if (result := check(history)).failed]

    Args:
        name: the name of its function.
        kind: decides when a failure counts.
        examine: its function.
        says: the part of its sentence that is the same for every cause.
    """

    name: str
    kind: Kind
    examine: Callable[[History], Examined]
    says: str = ""

    def __call__(self, history: History) -> CheckResult:
        """Judge one history."""
        found = self.examine(history)
        return CheckResult(
            self.name,
            bool(found.problem),
            found.problem,
            saw=found.saw,
            observations=found.observations,
            safety=self.kind is Kind.SAFETY and bool(found.problem) and found.safety,
            told_last=self.kind is Kind.SAFETY and bool(found.problem) and not found.safety,
            firm=found.firm,
            deliveries=found.deliveries,
            clock=found.clock if found.problem else (),
            blurred="" if found.problem else found.blurred,
            symptom=found.symptom if found.problem else (),
            seen_ns=found.seen_ns if found.problem else None,
        )

    @property
    def doc(self) -> str:
        """The docstring of its function."""
        return inspect.getdoc(self.examine) or ""

    @property
    def wants(self) -> str:
        """What must hold, in a sentence."""
        return self.doc.partition("\n")[0]

    @property
    def needs_match(self) -> bool:
        """Whether a proof that names this check must also give a reason."""
        return self.kind is Kind.LIVENESS


_CHECKS: list[Check] = []


def check(kind: Kind, *, says: str = "") -> Callable[[Callable[[History], Examined]], Check]:
    """Register the function as a check of that kind, under its own name.

    Args:
        kind: What it looks at.
        says: Its sentence without the parts that differ from failure to failure. If a proof's `match` is found in it,
            the match would fit every failure of the check, so it is refused.
    """

    def register(examine: Callable[[History], Examined]) -> Check:
        found = Check(examine.__name__, kind, examine, says)
        if any(each.name == found.name for each in _CHECKS):
            raise ValueError(f"two checks are called {found.name}")
        _CHECKS.append(found)
        return found

    return register


def registered() -> Sequence[Check]:
    """All checks, in the order in which they were registered."""
    return tuple(_CHECKS)
