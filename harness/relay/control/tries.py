"""The relay's report on statements that were sent more than once for one subject, and on their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.relay.control.ledger import Life, Met, Quiet, lives_from, lives_json, met_from, met_json
from harness.vocabulary.value import Json

__all__ = ["LOST", "OK", "PASSED_OVER", "Tally", "Tried", "Try"]

OK: Final = "ok"
"""The end of a try that was answered without an error."""
LOST: Final = "lost"
"""The end of a try whose answer the relay has not seen completely, because its connection ended first."""
PASSED_OVER: Final = "passed over"
"""The end of a try that the server skipped, because an earlier statement of its exchange had failed."""


@dataclass(frozen=True, slots=True)
class Try:
    """One send. `t_ns`: CLOCK_MONOTONIC.

    `answer`: one of the words above, or the error's code; empty if it was still unanswered. `final`: a retry gets that
    error again.
    """

    t_ns: int
    answer: str
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The tries of one statement for one subject, in order. `more`: how many further tries were not kept.

    `subject` is empty for a statement that names none. Then these are one connection's tries that got an error.
    """

    subject: str
    statement: str
    tries: tuple[Try, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """The counts of a hop.

    `statements`: how many were sent, each counted once for each subject. `failed`: how many of these failed at least
    once. `tried`: those that failed and were sent again. `left_out`: how many further ones there were, or may have
    been. `met`: the errors that answered statements; `more_met`: how many further errors. `lives`: the hop's
    connections since its first, without those `forgotten`. `quiet`: when no answer was due on any of them. `noted`:
    subjects that were only noted.
    """

    statements: int
    failed: int
    tried: tuple[Tried, ...]
    left_out: int = 0
    met: tuple[Met, ...] = ()
    more_met: int = 0
    lives: tuple[Life, ...] = ()
    forgotten: int = 0
    quiet: tuple[Quiet, ...] = ()
    noted: tuple[str, ...] = ()

    def to_json(self) -> Json:
        """Return a JSON object."""
        tried: list[Json] = [
            [each.subject, each.statement, [[one.t_ns, one.answer, one.final] for one in each.tries], each.more]
            for each in self.tried
        ]
        return {
            "statements": self.statements, "failed": self.failed, "left_out": self.left_out, "tried": tried,
            "met": met_json(self.met), "more_met": self.more_met, "lives": lives_json(self.lives),
            "forgotten": self.forgotten, "quiet": [list(span) for span in self.quiet],
            "noted": list(self.noted),
        }  # fmt: skip

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Tally:
        """Read `to_json` back."""
        tried = tuple(
            Tried(subject=subject, statement=statement, tries=tuple(Try(*one) for one in tries), more=more)
            for subject, statement, tries, more in data["tried"]
        )
        return cls(
            statements=data["statements"], failed=data["failed"], left_out=data["left_out"], tried=tried,
            met=met_from(data["met"]), more_met=data["more_met"], lives=lives_from(data["lives"]),
            forgotten=data["forgotten"], quiet=tuple((began_ns, ended_ns) for began_ns, ended_ns in data["quiet"]),
            noted=tuple(data["noted"]),
        )  # fmt: skip
