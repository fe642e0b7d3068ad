"""The logic of one relayed connection, without sockets: bytes come in, calls to an `Outlet` come out.

Tests drive it with bytes alone, and every rule is decided here.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence
from typing import Final

from harness.protocols.contract.failure import Failure, Instead, Repair, ServerError
from harness.protocols.contract.frames import GARBAGE, Direction, Frame
from harness.protocols.contract.message import Message, Unfinished
from harness.protocols.contract.speech import AskedTls
from harness.relay.connection.bench import DirectionBench, Insert
from harness.relay.connection.course import AnyRuleCourse, Course, Passes
from harness.relay.connection.flow import Flow
from harness.relay.connection.held import Held
from harness.relay.connection.notes import Candidate, HopState, Notes
from harness.relay.connection.outlet import Outlet
from harness.relay.connection.units import Refused, Replaced, Swallowed, WholeAnswer
from harness.relay.control.reports import Ended, EndedBy, Passed, Report
from harness.relay.rules.rule_book import ArmedRule

TLS_HANDSHAKE: Final = b"\x16"  # the type of the record that TLS begins with (RFC 8446, 5.1)
NO_TLS: Final = "the service did not ask for TLS, which this link requires"


class Engine:
    """Feeds bytes to the two flows, decides what the rules do to each message, and reports it.

    `number`: counts the connections of its hop. `service_port`: the service's local port.
    """

    def __init__(self, hop: HopState, number: int, service_port: int, outlet: Outlet, *, in_tls: bool = False) -> None:
        self.hop = hop.kind.name
        self.number = number
        self.service_port = service_port
        self.inserts: list[Insert] = []
        self._book = hop.book
        self._in_force = hop.book.in_force
        self._outlet = outlet
        self._notes = notes = Notes(hop, number)
        ways = (outlet.forward, outlet.finish)
        sent = Flow("sent", notes.framers["sent"], self, notes.sent, self._judge_sent, *ways)
        answered = Flow("answered", notes.framers["answered"], self, notes.answered, self._judge_answered, *ways)
        self._flows: dict[Direction, Flow] = {"sent": sent, "answered": answered}
        self._benches = {
            "sent": DirectionBench(self, "sent", (sent, answered)),
            "answered": DirectionBench(self, "answered", (answered, sent)),
        }
        self._holds: list[Held] = []
        self._late: list[Held] = []
        self._repairs: list[Repair] = []
        self._skips_to: frozenset[str] = frozenset()
        self._whole: WholeAnswer | None = None
        self._late_from = 0
        speech = hop.kind.speech
        self._concludes = speech.grammar.concludes
        self._tls = hop.kind.tls
        self._in_tls = in_tls
        self._tls_undecided = speech.tls if self._tls in ("offered", "required") and not in_tls else None
        self._server_takes_tls = True
        self.busy = self._tls_undecided is not None
        self.told_end = False
        """Whether the connection's end was reported."""

    # ------------------------------------------------------------------ from the transports

    def feed(self, direction: Direction, chunk: bytes) -> None:
        """Take bytes that were read. `chunk` may be kept.

        While no rule can concern them, bytes are forwarded first and parsed afterwards, so that parsing does not delay
        them.
        """
        self._notes.now_ns = time.monotonic_ns()
        flow = self._flows[direction]
        flow.came_bytes += len(chunk)
        if flow.closed:
            return
        concerned = self._in_force[direction] and (direction == "sent" or self._notes.may_concern_answers())
        if concerned or self.busy or not flow.clear:
            flow.feed(chunk)
        else:
            self._outlet.forward(direction, chunk)
            flow.watch(chunk, each_row=self._notes.recording)
            if self._notes.tls_begins:
                self._begin_tls()

    def finish(self, direction: Direction) -> None:
        """Handle the end of a direction: that side sends no more."""
        self._tell_end("service" if direction == "sent" else "server")
        self._flows[direction].finish()

    def lost(self, by: EndedBy, why: str = "") -> None:
        """Handle the end of the whole connection. `why`: why its TLS failed, or ""."""
        self._tell_end(by, why=why)
        self._close()

    @property
    def traffic(self) -> tuple[int, int]:
        """How many bytes the service and the server have sent, forwarded or not."""
        return self._flows["sent"].came_bytes, self._flows["answered"].came_bytes

    @property
    def holds(self) -> bool:
        """Whether a rule holds something."""
        return any(not held.done for held in self._holds)

    @property
    def answer_due(self) -> bool:
        """Whether the server owes an answer."""
        return self._notes.unfinished().due == "answered"

    def queued_bytes(self, direction: Direction) -> int:
        """How many bytes wait in this direction until a rule releases them."""
        return self._flows[direction].queued_bytes

    def disarmed(self, armed: ArmedRule) -> None:
        """Stop what a disarmed rule has begun on a message. The hop releases the messages that it holds."""
        if self._whole is not None:
            self._whole.cancel(armed)
            self._drop_whole_if_over()
        for flow in self._flows.values():
            flow.cancel(armed)

    # ------------------------------------------------------------------ for the flows

    def insert_due(self) -> None:
        """Send the answers that rules make, if their place between two answers has come.

        Such an answer may not overtake an earlier one: the client matches answers to its requests by their order.
        """
        flow = self._flows["answered"]
        while self.inserts and flow.between_messages and not self._notes.unanswered(self.inserts[0].exchange):
            insert = self.inserts.pop(0)
            flow.emit(insert.data)
            if insert.closes is not None:
                self.end_by_rule(insert.closes, reset=False)

    def finishing(self, direction: Direction) -> None:
        """The direction has ended: act on the answer that its end completes, and drop an incomplete one."""
        if direction == "answered" and self._whole is not None:
            self._whole.stream_ends()
            self._whole = None

    def drained(self) -> None:
        """Some of the queued bytes were forwarded."""
        self._outlet.drained()

    def settled(self, direction: Direction) -> None:
        """All read bytes are forwarded or queued: release bytes that waited for the service's next message."""
        if direction == "sent" and self._late and self._notes.sent_count > self._late_from:
            late, self._late = self._late, []
            for held in late:
                held.release()
        self._drop_whole_if_over()
        if self._notes.tls_begins and not self._flows["answered"].blockers:
            self._begin_tls()
        self.busy = bool(
            self._late
            or self.inserts
            or self._repairs
            or self._skips_to
            or self._whole
            or self._tls_undecided is not None
        )

    # ------------------------------------------------------------------ for the benches

    def tell(self, report: Report) -> None:
        """Report to the control connection that owns the hop."""
        self._outlet.report(report)

    def passes_on(self, report: Passed) -> None:
        """Report that a held message passes from now on."""
        self._notes.now_ns = report.t_ns
        self.tell(report)

    def has_fired(self, armed: ArmedRule) -> None:
        """Remember that the rule fired: other rules may wait for it (`after`)."""
        self._book.fired(armed)

    def is_back(self, armed: ArmedRule) -> None:
        """Put a rule back in force, unless it has been disarmed."""
        if self._book.get(armed.id) is armed:
            armed.give_back()
            self._book.changed()

    def end_by_rule(self, message: Message, *, reset: bool) -> None:
        """Close both sides because a rule struck this message."""
        self._tell_end("rule", Unfinished(message.phase, message.text, "answered"))
        self.cut(reset=reset)

    def cut(self, *, reset: bool = False) -> None:
        """Close both sides now, or reset the service's side."""
        self._tell_end("rule")
        self._close()
        if reset:
            self._outlet.reset()
        else:
            self._outlet.close()

    def add_held(self, held: Held, *, late: bool, delay_s: float | None) -> None:
        """Remember what is held, and schedule its release."""
        self._holds = [known for known in self._holds if not known.done]
        self._holds.append(held)
        if late:
            self._late.append(held)
            self._late_from = self._notes.sent_count
            self.busy = True
        if delay_s is not None:
            held.cancel = self._outlet.call_later(delay_s, held.release)

    def withdraw(self, message: Message) -> None:
        """Forget a sent message that the server never received."""
        self._notes.withdraw(message)

    def subject_of(self, message: Message) -> str:
        """See `Workshop`."""
        return self._notes.subject_of(message)

    def undelivered(self) -> None:
        """The service does not get the latest answer."""
        self._notes.undelivered()

    def add_insert(self, insert: Insert) -> None:
        """Send these bytes as soon as all earlier answers have passed."""
        self.inserts.append(insert)
        self.insert_due()
        self.busy = True

    def failure(self, message: Message, error: ServerError) -> Failure:
        """Return how the protocol turns this error into the answer to the message."""
        return self._notes.fail(message, error)

    def follow_up(self, failure: Failure) -> None:
        """Change the rest of an exchange in which a message failed, as the server itself would have."""
        if failure.repair is not None:
            self._repairs.append(failure.repair)
        self._skips_to = failure.skips_to
        self.busy = True

    # ------------------------------------------------------------------ what becomes of a message

    def _judge_sent(self, frame: Frame) -> Course | None:
        message, sight = self._notes.sent(frame)
        tls = self._tls_undecided
        if tls is not None and (problem := self._decide_on_tls(frame, tls)):
            return Refused(functools.partial(self._refuse, tls, problem))
        if self._skips_to:
            if message.name not in self._skips_to:
                return Swallowed()
            self._skips_to = frozenset()
        if sight.rules:
            armed = self._choose([(armed, self._notes.values) for armed in sight.rules])
            if armed is not None:
                return self._course("sent", armed, message)
        return None

    def _judge_answered(self, frame: Frame) -> Course | None:
        tls = self._tls_undecided
        if tls is not None and frame.name == tls.answer and frame.head == tls.no:
            if self._outlet.declines_tls():
                self._tls_undecided = None
                return self._answer_course(frame)
            # The server's no becomes the relay's yes only here, so that both messages have passed the rules before.
            self._server_takes_tls = False
            return self._replaced(frame, Instead(frame.name, tls.yes))
        instead = self._repaired(frame) if self._repairs else None
        if instead is None:
            return self._answer_course(frame)
        return self._replaced(frame, instead) if instead.data else Swallowed()

    def _replaced(self, frame: Frame, instead: Instead) -> Course:
        other = Frame(instead.name, frame.offset, bytearray(instead.data), len(instead.data), complete=True)
        return Replaced(self._answer_course(other) or Passes(self._benches["answered"]), instead.data)

    def _answer_course(self, frame: Frame) -> Course | None:
        message, sight, flight, asked = self._notes.answered(frame)
        whole = self._whole
        if whole is not None and not whole.over:
            whole.next(message)
            return whole
        armed = self._choose(self._notes.rules_for_answer(message, sight, asked))
        if armed is None:
            return None
        course = self._course("answered", armed, message)
        if armed.rule.match.message is not None or flight is None:
            return course
        self._whole = WholeAnswer(course, flight, self._concludes)
        self._whole.next(message)
        return self._whole

    def _repaired(self, frame: Frame) -> Instead | None:
        repair = self._repairs[0]
        if self._notes.unanswered(repair.exchange):
            return None
        becomes = repair.look(frame.name)
        if repair.over:
            self._repairs.pop(0)
        return becomes

    # ------------------------------------------------------------------ TLS

    def _decide_on_tls(self, frame: Frame, tls: AskedTls) -> str:
        """Return why the connection is refused because of its beginning, or "".

        A client that wants TLS asks for it before the message that opens its session (`tls.opens`).
        """
        if frame.name == GARBAGE and frame.head[:1] == TLS_HANDSHAKE:
            return tls.unasked
        if frame.name != tls.opens:
            return ""
        self._tls_undecided = None
        return "" if self._in_tls or self._tls == "offered" else NO_TLS

    def _refuse(self, tls: AskedTls, problem: str) -> None:
        """Answer with the protocol's own error, then close."""
        self._flows["answered"].emit(tls.refusal(problem))
        self._tell_end("service", why=problem)
        self._close()
        self._outlet.close()

    def _begin_tls(self) -> None:
        """Start TLS on both sides, or only on the service's side if the server has none."""
        self._notes.tls_begins = False
        if self._flows["answered"].closed or self._tls == "passed":
            return
        self._in_tls = True
        self._outlet.start_tls(server_too=self._server_takes_tls)

    # ------------------------------------------------------------------ inside

    def _choose(self, candidates: Sequence[Candidate]) -> ArmedRule | None:
        """Let every rule count the message. The first armed rule that fits gets it."""
        taker: ArmedRule | None = None
        for armed, values in candidates:
            if not armed.accepts(self.number, values):
                continue
            if taker is None:
                taker = armed
            else:
                armed.missed[f"rule {taker.id!r}, armed before, took it"] += 1
        if taker is not None:
            taker.take()
            if taker.spent:
                self._book.changed()
        return taker

    def _course(self, direction: Direction, armed: ArmedRule, message: Message) -> AnyRuleCourse:
        return armed.rule.action.course(self._benches[direction], armed, message)

    def _tell_end(self, by: EndedBy, unfinished: Unfinished | None = None, *, why: str = "") -> None:
        if self.told_end:
            return
        self.told_end = True
        if by == "server" and self._notes.said_goodbye:
            by = "service"
        found = unfinished or self._notes.unfinished()
        if self._flows["answered"].blockers:
            self._notes.undelivered()
        self._notes.ended(by)
        self.tell(
            Ended(
                hop=self.hop, connection=self.number, service_port=self.service_port, by=by, phase=found.phase,
                text=found.text, direction_due=found.due, t_ns=time.monotonic_ns(),
                sent_bytes=self._flows["sent"].came_bytes, answered_bytes=self._flows["answered"].came_bytes, why=why,
            )
        )  # fmt: skip

    def _close(self) -> None:
        """Accept no more bytes; undo actions that rules have begun, and drop the bytes that they hold."""
        for flow in self._flows.values():
            flow.close()
        whole, self._whole = self._whole, None
        if whole is not None:
            whole.give_up()  # the flows are closed: nothing is forwarded, but a rule that did nothing is in force again
        for held in self._holds:
            if not held.done:
                held.forget()

    def _drop_whole_if_over(self) -> None:
        if self._whole is not None and self._whole.over:
            self._whole = None
