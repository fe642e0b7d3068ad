"""One direction of one connection: which bytes pass, which ones a rule has, and which are queued.

If a rule may concern a message, its bytes are withheld until that is decided: until the message is complete or its head
is full. While no rule is in force, nothing is withheld.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from harness.protocols.contract.frames import GARBAGE, HEAD_MAX, Direction, Frame, Framer, Span
from harness.relay.connection.course import Course
from harness.relay.rules.rule_book import ArmedRule


class Judge(Protocol):
    """What a flow needs from its connection's engine."""

    @property
    def inserts(self) -> Sequence[object]:
        """Answers to insert between two answers. Always the same list; if it is not empty, call `insert_due` there."""
        ...

    @property
    def busy(self) -> bool:
        """Whether `settled` must be called after every read."""
        ...

    def insert_due(self) -> None:
        """Send the answers that are due between two answers."""
        ...

    def finishing(self, direction: Direction) -> None:
        """The direction has ended: act on the answer that its end completes, and give up one that is incomplete."""
        ...

    def drained(self) -> None:
        """Some of the queued bytes were forwarded."""
        ...

    def settled(self, direction: Direction) -> None:
        """All read bytes are forwarded or queued."""
        ...


class Flow:
    """Takes bytes, asks its judge about each message, and forwards or queues the bytes.

    `learn` records a message whose beginning was forwarded already. `decide` records one and returns its course, or
    None if it passes.
    """

    __slots__ = (
        "_course", "_decide", "_direction", "_finish", "_finished", "_forward", "_framer", "_inserts", "_judge",
        "_known", "_learn", "_passing", "_queue", "_ready", "_withheld", "blockers", "came_bytes", "clear", "closed",
        "ended", "queued_bytes",
    )  # fmt: skip

    def __init__(
        self,
        direction: Direction,
        framer: Framer,
        judge: Judge,
        learn: Callable[[Frame], object],
        decide: Callable[[Frame], Course | None],
        forward: Callable[[Direction, bytes], None],
        finish: Callable[[Direction], None],
    ) -> None:
        self._direction: Direction = direction
        self._framer = framer
        self._inserts: Sequence[object] = judge.inserts if direction == "answered" else ()
        self._judge = judge
        self._learn = learn
        self._decide = decide
        self._forward = forward
        self._finish = finish
        self._passing: Frame | None = None  # a message that has begun to pass
        self._known = False  # whether the judge has recorded it
        self._course: Course | None = None  # what a rule does to the current message
        self._withheld: list[bytes] = []  # the beginning of a message that is not decided yet
        self._ready: list[bytes] = []  # decided, and waiting to be forwarded
        self._queue: deque[tuple[bytes, Span]] = deque()  # not decided yet
        self.came_bytes = 0
        """All bytes that were read so far, passed on or not."""
        self.queued_bytes = 0
        self.blockers: set[object] = set()
        self.clear = True
        """Nothing is pending here: further bytes may pass before they are parsed."""
        self.ended = False
        self._finished = False  # the end was forwarded
        self.closed = False

    # ------------------------------------------------------------------ bytes in

    def watch(self, chunk: bytes, *, each_row: bool) -> None:
        """Record bytes that were forwarded already. Only while `clear`. `each_row`: record every row, not runs."""
        learn = self._learn
        for span in self._framer.feed(chunk) if each_row else self._framer.watch(chunk):
            if span.first and span.last:
                learn(span.frame)
            else:
                self._watch_piece(span)

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes."""
        spans = self._framer.feed(chunk)
        if self.blockers:
            self._wait(chunk, spans)
        else:
            self._run(chunk, spans)

    def finish(self) -> None:
        """Handle the end of the direction: it is forwarded after everything that is queued."""
        self.ended = True
        if self.blockers or self.closed or self._finished:
            return
        self._judge.finishing(self._direction)
        if self.blockers:  # the end completed an answer that a rule holds
            return
        self._finished = True
        if self._course is not None:
            self._course.give_up()
            self._course = None
        self._flush_withheld()
        if not self.closed:
            self._finish(self._direction)

    def block(self, blocker: object) -> None:
        """Forward nothing until the blocker is removed from `blockers` and `drain` is called."""
        self.blockers.add(blocker)
        self.clear = False

    def drain(self) -> None:
        """Forward the queued bytes, as far as nothing blocks them."""
        while not self.blockers and not self.closed and (self._ready or self._queue):
            ready, self._ready = self._ready, []
            for data in ready:
                self.emit(data)
            if self._queue:
                chunk, span = self._queue.popleft()
                self.queued_bytes -= span.end - span.begin
                self._run(chunk, (span,))
        self._settle()
        if self.ended and not self.blockers:
            self.finish()
        self._judge.drained()

    def cancel(self, armed: ArmedRule) -> None:
        """A rule was disarmed: stop the actions that it has begun."""
        if self._course is not None:
            self._course.cancel(armed)

    def close(self) -> None:
        """Drop everything that is queued, withheld or begun."""
        course, self._course = self._course, None
        self.closed = True
        self.clear = False
        self._ready, self._withheld = [], []
        self._queue.clear()
        self.queued_bytes = 0
        if course is not None:
            course.give_up()

    # ------------------------------------------------------------------ bytes out

    def emit(self, data: bytes) -> None:
        """Forward bytes, or queue them behind others."""
        if self.closed or not data:
            return
        if self.blockers:
            self._ready.append(data)
        else:
            self._forward(self._direction, data)

    @property
    def between_messages(self) -> bool:
        """Whether other bytes may be inserted here."""
        return self._passing is None and self._course is None

    # ------------------------------------------------------------------ inside

    def _watch_piece(self, span: Span) -> None:
        if span.first:
            self._passing, self._known = span.frame, False
        self._know(span.frame)
        if span.last:
            self._passing = None

    def _know(self, frame: Frame) -> None:
        if not self._known and _is_known(frame):
            self._known = True
            self._learn(frame)

    def _run(self, chunk: bytes, spans: Sequence[Span]) -> None:
        """Decide about each message; forward the ones that pass in as few writes as possible."""
        decide, inserts = self._decide, self._inserts
        taken = not self.clear or self._judge.busy
        begin = spans[0].begin if spans else 0
        for index, span in enumerate(spans):
            if span.first and span.last:
                course = decide(span.frame)
            elif not self._goes_on(span):
                course = self._course_of(span)
            else:
                course = None
            if course is not None:
                taken = True
                self._pass(chunk, begin, span.begin)
                begin = span.end
                self._take(course, chunk[span.begin : span.end], span)
            if inserts and span.last:
                self._pass(chunk, begin, span.end)
                begin = span.end
                self._judge.insert_due()
            if self.closed or self.blockers:
                self._wait(chunk, spans[index + 1 :])
                begin = spans[-1].end
                break
        if spans:
            self._pass(chunk, begin, spans[-1].end)
        if taken:
            self._settle()

    def _goes_on(self, span: Span) -> bool:
        """Whether this continues a message that passes."""
        if span.frame is not self._passing:
            return False
        self._know(span.frame)
        if span.last:
            self._passing = None
        return True

    def _course_of(self, span: Span) -> Course | None:
        """Return the course of a piece of a message that is not complete in its chunk; None: it passes."""
        frame = span.frame
        if self._course is not None:
            return self._course
        if not _is_known(frame):
            return _WITHHOLD
        course = self._decide(frame)
        if course is None:
            self._flush_withheld()
            self._passing, self._known = (None if span.last else frame), True
        return course

    def _take(self, course: Course, data: bytes, span: Span) -> None:
        if course is _WITHHOLD:
            self._withheld.append(data)
            return
        pieces, self._withheld = [*self._withheld, data], []
        self._course = None if span.last else course
        for piece in pieces[:-1]:
            course.take(piece, last=False)
            if self.closed:
                return
        course.take(pieces[-1], last=span.last)
        if self.blockers and not span.last:  # held: it passes when the rule releases it
            self._course, self._passing, self._known = None, span.frame, True

    def _flush_withheld(self) -> None:
        pieces, self._withheld = self._withheld, []
        for piece in pieces:
            self.emit(piece)

    def _pass(self, chunk: bytes, begin: int, end: int) -> None:
        if begin < end and not self.closed:
            self._forward(self._direction, chunk if end - begin == len(chunk) else chunk[begin:end])

    def _wait(self, chunk: bytes, spans: Sequence[Span]) -> None:
        if self.closed:
            return
        for span in spans:
            self._queue.append((chunk, span))
            self.queued_bytes += span.end - span.begin

    def _settle(self) -> None:
        self.clear = not (
            self.closed or self.blockers or self._queue or self._ready or self._withheld or self._course is not None
        )
        self._judge.settled(self._direction)


class _Withhold(Course):
    """Marks a piece of an undecided message."""

    __slots__ = ()


_WITHHOLD = _Withhold()


def _is_known(frame: Frame) -> bool:
    return frame.complete or frame.known or len(frame.head) >= HEAD_MAX or frame.name == GARBAGE
