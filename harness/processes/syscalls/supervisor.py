"""Answers the reported calls of one process and its descendants. It never delays a call."""

from __future__ import annotations

import time
from collections.abc import Sequence

from harness.processes.syscalls.answers import Answer, give_answer
from harness.processes.syscalls.calls import Call, names, readers
from harness.processes.syscalls.destinations.catcher import Choice
from harness.processes.syscalls.event import SyscallEvent
from harness.processes.syscalls.notification import Listener, Notification, Waiting
from harness.processes.syscalls.rule_book import RuleBook
from harness.processes.syscalls.rules import LeadRule, Rule


class Supervisor:
    """Owns a listener. Call `answer_one` whenever it is ready, until `finished`."""

    def __init__(self, listener: int, rules: Sequence[Rule] = ()) -> None:
        self._listener = Listener(listener)
        self._readers, self._names = readers(), names()
        self._book = RuleBook(rules)
        self._answered = 0
        self.finished = False

    @property
    def descriptor(self) -> int:
        """What to wait for."""
        return self._listener.descriptor

    def set_rules(self, rules: Sequence[Rule]) -> None:
        """Replace all rules, and so their counts. Caught servers keep their ports."""
        self._book = RuleBook(rules, self._book.catcher)

    def answer_one(self) -> SyscallEvent | None:
        """Receive a call and answer it. None if there is none, or if it was withdrawn, which uses up no rule."""
        state = self._listener.state()
        self.finished = state is Waiting.END
        notification = self._listener.receive() if state is Waiting.CALL else None
        if notification is None:
            return None
        if not self._book.knows(self._names[notification.number]):
            self._listener.let_through(notification)  # at once: a program may read and write thousands of times
            return None
        call = self._readers[notification.number](notification)
        # Only now is it certain that the memory belonged to the calling process.
        if not self._listener.is_waiting(notification):
            return None
        return self._answer(notification, call)

    def close(self) -> None:
        """Close the listener."""
        self._listener.close()

    def _answer(self, notification: Notification, call: Call) -> SyscallEvent | None:
        choice = self._book.choose(call)
        t_ns = time.clock_gettime_ns(time.CLOCK_MONOTONIC)
        answer = give_answer(self._listener, notification, call, choice.rule)
        if answer is None:
            return None
        if choice.rule is not None:
            self._book.count(choice.rule)
        if call.name != "connect" and choice.rule is None:
            return None  # there are too many, and they say nothing
        return self._event(t_ns, call, choice, answer)

    def _event(self, t_ns: int, call: Call, choice: Choice, answer: Answer) -> SyscallEvent:
        rule = choice.rule
        self._answered += 1
        return SyscallEvent(
            seq=self._answered - 1,
            t_ns=t_ns,
            call=call.name,
            pid=call.pid,
            tid=call.tid,
            family=call.address.family,
            socket_type=call.socket_type,
            host=call.address.host,
            port=call.address.port,
            answer=answer.errno,
            rule_id=None if rule is None else rule.id,
            led_to=rule.to_port if isinstance(rule, LeadRule) and answer.errno is None else None,
            not_led=choice.not_led,
            path=call.address.path or call.path or None,
        )
