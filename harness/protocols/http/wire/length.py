"""The relay's action for a response whose Content-Length is not the length of its body."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar, Final

from harness.errors import UsageError
from harness.protocols.contract.frames import Direction
from harness.protocols.http.wire.framing import BLANK_LINE
from harness.protocols.http.wire.head import ResponseHead
from harness.relay.connection.course import AnyRuleCourse, RuleCourse
from harness.relay.rules.actions import Action

__all__ = ["WrongLength"]

LENGTH: Final = re.compile(
    rb"(?P<before>\n[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Ll][Ee][Nn][Gg][Tt][Hh]:[ \t]*)(?P<length>[0-9]+)"
)


class _WrongLengthCourse(RuleCourse["WrongLength"]):
    __slots__ = ("_kept", "_over")

    def begin(self) -> None:
        self._kept = b""  # the beginning of a head
        self._over = False

    def take(self, data: bytes, *, last: bool) -> None:
        """Keep a head until it is complete, then forward it. The final response's head gets another length."""
        del last  # a head ends, or it is garbage, which no rule takes
        if self._over:
            self.bench.forward(data)
            return
        self._kept += data
        if BLANK_LINE.search(self._kept):
            head, self._kept = self._kept, b""
            self.bench.forward(self._changed(head))

    def give_up(self) -> None:
        """Forward the kept bytes. If the rule has not acted, it is in force again."""
        if not self._over:
            self.bench.forward(self._kept)
            self.bench.not_done(self.armed)

    def _changed(self, head: bytes) -> bytes:
        response = ResponseHead.parse(head)
        if response.is_interim:
            return head
        self._over = True
        found = LENGTH.search(head)
        length = int(found["length"]) + self.action.by if found else -1
        method = self.message.text.partition(" ")[0]
        if found is None or length < 0:
            announced = f"{found['length'].decode()} bytes only" if found else "no length"
            return self._unchanged(head, f"the response announces {announced}")
        if response.body < 0 or not response.may_have_body(method):
            why = "its body comes in chunks" if response.body < 0 else f"{method} {response.status} has no body"
            return self._unchanged(head, f"the client ignores the response's length: {why}")
        self._fire(len(head))
        return head[: found.start("length")] + b"%d" % length + head[found.end("length") :]

    def _unchanged(self, head: bytes, reason: str) -> bytes:
        """Put the rule in force again: it could not affect this response."""
        self.armed.missed[reason] += 1
        self.bench.not_done(self.armed)
        return head


@dataclass(frozen=True, slots=True)
class WrongLength(Action):
    """The response announces `by` bytes more than follow, or fewer if it is negative. Nothing else changes."""

    kind: ClassVar[str] = "wrong_length"
    carried_out: ClassVar[type[AnyRuleCourse]] = _WrongLengthCourse
    directions: ClassVar[tuple[Direction, ...]] = ("answered",)
    by: int

    def __post_init__(self) -> None:
        Action.__post_init__(self)
        if self.by == 0:
            problem, mend = "then the length is right", "write how many bytes more, or with a minus, less"
            raise UsageError.at(self.place, "by", self.by, problem, mend=mend)

    @property
    def place(self) -> str:
        """The name for error messages."""
        return self.kind
