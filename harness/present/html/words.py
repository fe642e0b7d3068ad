"""Steps and faults in plain words. What this does not know is shown as Python source."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.engine.steps import Deliver, Expect, Heal, Inject, Restart, Traffic, Until
from harness.faults.fault import Fault, Fired
from harness.vocabulary import (
    ANY_OUTCOME,
    Answers,
    Message,
    Metric,
    Moment,
    Outcome,
    ServiceLogged,
    Value,
)
from harness.vocabulary.links import OfALink

WITHIN_S = Until.within_s


def step_words(step: Value) -> str:
    """`deliver(5, expect=REFUSED)`: `Send 5 different deliveries at once; each is to be refused`, with a full stop."""
    match step:
        case Deliver():
            words = _deliver(step)
        case Traffic():
            words = f"{step.clients} clients send one delivery after the other; {_expected(step)}"
        case Inject(faults):
            words = f"Break: {_joined(faults)}"
        case Heal(faults):
            words = f"Heal: {_joined(faults)}"
        case Until():
            words = _until(step)
        case Restart():
            words = "Restart the service"
        case Expect():
            words = _expect(step)
        case _:
            return repr(step)
    return f"{words}."


def fault_words(fault: Value) -> str:
    """`link.cut(redis)`: `cut every open connection to redis`."""
    say = _FAULTS.get(fault.kind)
    if fault.kind in _WIRE:
        return _wire(fault)
    if say is None:
        return repr(fault)
    at = getattr(fault, "at", None)
    return say(fault) if at is None else f"{say(fault)}, at {_moment_itself(at)}"


def _expected(step: Deliver | Traffic) -> str:
    if step.expect == ANY_OUTCOME:
        return "any answer will do"
    allowed = ["left unknown" if each is Outcome.UNKNOWN else str(each) for each in step.expect]
    text = f"each is to be {' or '.join(allowed)}"
    slower = step.slower_ms_max
    return text if slower is None else f"{text}, at most {slower:g} ms slower than a healthy answer"


def _deliver(step: Deliver) -> str:
    what = "one delivery" if step.n == 1 else f"{step.n} different deliveries at once"
    if step.copies != 1:
        what = f"{step.copies} copies of {'one delivery' if step.n == 1 else f'each of {step.n} deliveries'} at once"
    hang_up = f", and hang up at {step.hang_up_at!r}" if step.hang_up_at else ""
    return f"Send {what}{hang_up}; {_expected(step)}"


def _joined(faults: Sequence[Fault]) -> str:
    return ", then ".join(map(fault_words, faults))


def _until(step: Until) -> str:
    within = "" if step.within_s == WITHIN_S else f" (within {step.within_s:g} s)"
    match step.moment:
        case Fired(fault, times):
            return f"Wait until this took effect{'' if times == 1 else f' {times} times'}: {fault_words(fault)}{within}"
        case moment:
            return f"Wait until {_moment(moment)}{within}"


def _moment(moment: Moment) -> str:
    match moment:
        case Message():
            words = f"the relay sees {_message(moment)}"
        case OfALink():
            words = moment.words()
        case ServiceLogged(pattern):
            words = f"the log of the service has a line that matches {pattern!r}"
        case Answers(at_least):
            words = f"{at_least} answers have come"
        case _:
            words = repr(moment)
    return words


def _moment_itself(moment: Moment) -> str:
    return _message(moment) if isinstance(moment, Message) else repr(moment)


def _expect(step: Expect) -> str:
    limits = [f"at least {step.at_least:g}"] if step.at_least is not None else []
    limits += [f"at most {step.at_most:g}"] if step.at_most is not None else []
    grown = f"{step.figure.name} is to have grown by" if isinstance(step.figure, Metric) else f"{step.figure!r} is"
    return f"At the end, {grown} {' and '.join(limits)}"


def _wire(fault: Any) -> str:
    """A fault of the relay, at one message."""
    fields = {name: getattr(fault, name) for name in type(fault).field_types()}
    words = _WIRE[fault.kind].format(message=_message(fault.at), **fields)
    if fields.get("after_bytes"):
        words += f", once {fields['after_bytes']} bytes of it have passed"
    elif fields.get("after"):
        words += ", once it has passed"
    return f"{words}, every time" if fields.get("always") else words


def _message(at: Message) -> str:
    """`postgres.sent('INSERT', message='Bind')`: `the Bind of INSERT to postgres`."""
    kind, text, link = at.message, at.text, at.link
    if at.direction == "sent":
        return f"the {kind} of {text} to {link}" if kind and text else f"the {kind or text or 'next message'} to {link}"
    what = f"{kind} of the answer" if kind else "answer"
    return f"the {what} to {text} from {link}" if text else f"the {what} from {link}"


def _order(fault: Any) -> str:
    """Messages that the relay lets through in this order."""
    said = [
        f"{_message(each)} on connection {each.connection}" if each.connection is not None else _message(each)
        for each in fault.messages
    ]
    return f"let messages pass in this order only: {', then '.join(said)}"


_WIRE: Mapping[str, str] = {
    "wire.cut": "close the connection at {message}",
    "wire.reset": "reset the connection at {message}",
    "wire.drop": "let {message} vanish",
    "wire.drop_and_close": "let {message} vanish and close the connection",
    "wire.duplicate": "let {message} pass twice",
    "wire.delay": "let {message} pass {delay_ms} ms late",
    "wire.corrupt": "turn a bit of byte {at_byte} of {message}",
    "wire.fail": "answer with the server's error {code} at {message}",
    "wire.hold": "hold {message} until healed",
    "wire.late": "let {message} arrive only after the next request",
    "wire.stall": "let nothing more pass from {message} on",
}
_FAULTS: Mapping[str, Callable[[Any], str]] = {
    "no_fault": lambda _: "nothing",
    "link.cut": lambda f: f"cut every open connection to {f.link}",
    "link.down": lambda f: f"close the connections to {f.link} and refuse new ones",
    "link.swallow": lambda f: f"swallow every byte to and from {f.link}",
    "link.reset": lambda f: f"reset connections to {f.link}",
    "link.latency": lambda f: f"let {f.link} answer {f.latency_ms} ms late",
    "link.timeout": lambda f: f"swallow, then close after {f.timeout_ms} ms, {f.link}",
    "link.limit_data": lambda f: f"close {f.link}'s connections after {f.limit_bytes} bytes",
    "link.bandwidth": lambda f: f"let {f.rate_kb_s} kB a second through to {f.link}",
    "link.slicer": lambda f: f"let {f.link}'s bytes arrive in slices of about {f.average_bytes}",
    "link.slow_close": lambda f: f"pass a close on {f.link} on {f.delay_ms} ms late",
    "wire.order": _order,
    "server.execute": lambda f: f"have another session on {f.link} do: {f.text}",
    "server.lock": lambda f: f"lock the table {f.table}",
    "server.hold_commits": lambda f: f"let transactions on {f.table} wait in their COMMIT",
    "server.end_sessions": lambda _: "let PostgreSQL end every session of the service",
    "server.flush": lambda _: "flush what the service keeps in Redis",
    "server.poison": lambda _: "let Redis remember deliveries that were never stored",
    "process.kill": lambda _: "kill the service (SIGKILL)",
    "process.terminate": lambda _: "end the service (SIGTERM)",
    "process.pause": lambda _: "freeze the service (SIGSTOP)",
    "process.misconfigure": lambda f: f"start the service with a wrong URL of {f.link}",
    "syscall.connect": lambda f: f"answer connect() to {f.link} with {f.errno}",
}
