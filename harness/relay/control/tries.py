"""The relay's report on statements that were sent more than once for one subject, and on their answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from harness.relay.control.ledger import Life, Met, Quiet, lives_from, lives_json, met_from, met_json
from harness.vocabulary.value import Json

__all__ = ["LOST", "OK", "PASSED_OVER", "Tally", "Tried", "Try"]

OK: Final = "ok"
"""How a try ended that was answered without an error."""
LOST: Final = "lost"
"""How a try ended whose answer the relay has not seen to its end: its connection ended first."""
PASSED_OVER: Final = "passed over"
"""How a try ended that the server skipped, because an earlier statement of its exchange had failed."""


@dataclass(frozen=True, slots=True)
class Try:
    """One send. `t_ns`: CLOCK_MONOTONIC.

    `answer`: one of the words above, or the error's code; empty if it was still unanswered. `final`: that error does
    not go away by sending again.
    """

    t_ns: int
    answer: str
    final: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Tried:
    """The tries of one statement for one subject, in order. `more`: how many more were not kept.

    `subject` is empty for a statement that names none. Then these are the tries of one connection, and only those that
    an error answered.
    """

    subject: str
    statement: str
    tries: tuple[Try, ...]
    more: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What a hop has counted.

    `statements`: how many were sent, each counted once for each subject. `failed`: how many of these failed at least
    once. `tried`: those that failed and were sent again. `left_out`: how many more there were, or may have been. `met`:
    the errors that answered them, and others; `more_met`: how many more. `lives`: the hop's connections, from its first
    on, less those `forgotten`. `quiet`: when nothing was due on any of them. `noted`: what was named, and only noted.
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
