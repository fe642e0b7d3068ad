"""A step's Python source, in plain words. What this does not know stays as it was written."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Call:
    """`link.latency(redis, latency_ms=2000)`, taken apart; arguments are source text."""

    name: str
    source: str
    positional: Sequence[str] = ()
    named: Mapping[str, str] = field(default_factory=dict)
    calls: Sequence[Call] = ()
    """The positional arguments, taken apart in their turn."""

    def given(self, place: int, name: str, otherwise: str = "") -> str:
        """An argument, by its place or its name; a string without its quotes."""
        text = self.positional[place] if place < len(self.positional) else self.named.get(name, otherwise)
        return text[1:-1] if text[:1] in "'\"" else text

    def kw(self, name: str) -> str:
        """An argument that is always named."""
        return self.given(len(self.positional), name, "?")


def step_words(source: str) -> str:
    """`deliver(5, expect=REFUSED)`: `Send 5 deliveries at once; each is to be refused`, with a full stop."""
    call = _taken_apart(source)
    say = _STEPS.get(call.name) if call else None
    return f"{say(call)}." if call and say else source


def fault_words(source: str) -> str:
    """`link.cut(redis)`: `cut every open connection to redis`."""
    call = _taken_apart(source)
    return _fault(call) if call else source


def _taken_apart(source: str) -> Call | None:
    try:
        tree = ast.parse(source.strip(), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    return _call(tree)


def _call(tree: ast.expr) -> Call | None:
    if isinstance(tree, ast.Name | ast.Attribute):
        return Call(ast.unparse(tree), ast.unparse(tree))
    if not isinstance(tree, ast.Call):
        return None
    return Call(
        name=ast.unparse(tree.func),
        source=ast.unparse(tree),
        positional=[ast.unparse(argument) for argument in tree.args],
        named={word.arg: ast.unparse(word.value) for word in tree.keywords if word.arg},
        calls=[found for argument in tree.args if (found := _call(argument))],
    )


def _expected(call: Call) -> str:
    allowed = [word.strip().lower() for word in call.named.get("expect", "ACKNOWLEDGED").split("|")]
    if allowed == ["any_outcome"]:
        return "any answer will do"
    text = f"each is to be {' or '.join('left unknown' if word == 'unknown' else word for word in allowed)}"
    slower = call.named.get("slower_ms_max")
    return f"{text}, at most {slower} ms slower than a healthy answer" if slower else text


def _deliver(call: Call) -> str:
    count, copies = call.given(0, "n", "1"), call.named.get("copies", "1")
    what = "one delivery" if count == "1" else f"{count} different deliveries at once"
    if copies != "1":
        what = f"{copies} copies of {'one delivery' if count == '1' else f'each of {count} deliveries'} at once"
    hang_up = f", and hang up at {call.named['hang_up_at']}" if "hang_up_at" in call.named else ""
    return f"Send {what}{hang_up}; {_expected(call)}"


def _traffic(call: Call) -> str:
    return f"{call.given(0, 'clients')} clients send one delivery after the other; {_expected(call)}"


def _joined(calls: Sequence[Call]) -> str:
    return ", then ".join(_fault(call) for call in calls)


def _until(call: Call) -> str:
    if not call.calls:
        return f"Wait until {call.given(0, 'moment')}"
    moment = call.calls[0]
    fault, _, way = moment.name.rpartition(".")
    if way == "fired":
        times = moment.given(0, "times", "1")
        return f"Wait until this took effect{'' if times == '1' else f' {times} times'}: {fault_words(fault)}"
    say = _MOMENTS.get(moment.name) or _MOMENTS.get(f"*.{moment.name.rpartition('.')[2]}")
    within = f" (within {call.named['within_s']} s)" if "within_s" in call.named else ""
    return f"Wait until {say(moment) if say else moment.source}{within}"


def _expect(call: Call) -> str:
    limits = [f"{word} {call.named[key]}" for key, word in _LIMITS.items() if key in call.named]
    figure = call.calls[0].given(0, "name") if call.calls else call.given(0, "figure")
    return f"At the end, {figure} is to have grown by {' and '.join(limits)}"


_LIMITS: Mapping[str, str] = {"at_least": "at least", "at_most": "at most"}


def _fault(call: Call) -> str:
    say = _FAULTS.get(call.name) or (_wire if call.name in _WIRE else None)
    if say is None:
        return call.source
    at = call.named.get("at")
    return f"{say(call)}, at {_message_in(at)}" if at else say(call)


def _wire(call: Call) -> str:
    """A fault of the relay, at one message."""
    message = _message(call.calls[0]) if call.calls else call.given(0, "at")
    words = _WIRE[call.name].format(message=message, **{name: call.kw(name) for name in _WIRE_ARGUMENTS})
    after = call.named.get("after_bytes")
    if after and after != "0":
        words += f", once {after} bytes of it have passed"
    elif call.named.get("after") == "True":
        words += ", once it has passed"
    return f"{words}, every time" if call.named.get("always") == "True" else words


def _message_in(source: str) -> str:
    call = _taken_apart(source)
    return _message(call) if call else source


def _message(call: Call) -> str:
    """`postgres.sent('INSERT', message='Bind')`: `the Bind of INSERT to postgres`."""
    link, _, way = call.name.rpartition(".")
    text, kind = call.given(0, "text"), call.given(1, "message")
    if way == "sent":
        return f"the {kind} of {text} to {link}" if kind and text else f"the {kind or text or 'next message'} to {link}"
    if way == "answered":
        what = f"{kind} of the answer" if kind else "answer"
        return f"the {what} to {text} from {link}" if text else f"the {what} from {link}"
    return call.source


def _waiting(call: Call) -> str:
    sql, count = call.given(0, "sql"), call.given(1, "at_least", "1")
    sessions = "a session of the service waits" if count == "1" else f"{count} sessions of the service wait"
    return f"{sessions} in PostgreSQL{f', in its {sql}' if sql else ''}"


def _order(call: Call) -> str:
    """Messages that the relay lets through in this order."""
    said = [
        f"{_message(each)} on connection {each.named['connection']}" if "connection" in each.named else _message(each)
        for each in call.calls
    ]
    return f"let messages pass in this order only: {', then '.join(said)}"


_WIRE_ARGUMENTS = ("delay_ms", "at_byte", "code")
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
Words = Callable[[Call], str]
_STEPS: Mapping[str, Words] = {
    "deliver": _deliver,
    "traffic": _traffic,
    "inject": lambda call: f"Break: {_joined(call.calls)}",
    "heal": lambda call: f"Heal: {_joined(call.calls)}",
    "until": _until,
    "restart": lambda _: "Restart the service",
    "expect": _expect,
}
_MOMENTS: Mapping[str, Words] = {
    "*.waiting": _waiting,
    "*.sent": lambda c: f"the relay sees {_message(c)}",
    "*.answered": lambda c: f"the relay sees {_message(c)}",
    "*.idle": lambda c: f"{c.name.partition('.')[0]} has at least {c.given(0, 'at_least', '1')} idle connections",
    "*.logged": lambda c: f"the log of {c.name.partition('.')[0]} has a line that matches {c.given(0, 'pattern')!r}",
    "service.answers": lambda c: f"{c.given(0, 'at_least')} answers have come",
}
_FAULTS: Mapping[str, Words] = {
    "no_fault": lambda _: "nothing",
    "link.cut": lambda c: f"cut every open connection to {c.given(0, 'link')}",
    "link.down": lambda c: f"close the connections to {c.given(0, 'link')} and refuse new ones",
    "link.swallow": lambda c: f"swallow every byte to and from {c.given(0, 'link')}",
    "link.reset": lambda c: f"reset connections to {c.given(0, 'link')}",
    "link.latency": lambda c: f"let {c.given(0, 'link')} answer {c.kw('latency_ms')} ms late",
    "link.timeout": lambda c: f"swallow, then close after {c.kw('timeout_ms')} ms, {c.given(0, 'link')}",
    "link.limit_data": lambda c: f"close {c.given(0, 'link')}'s connections after {c.kw('limit_bytes')} bytes",
    "link.bandwidth": lambda c: f"let {c.kw('rate_kb_s')} kB a second through to {c.given(0, 'link')}",
    "link.slicer": lambda c: f"let {c.given(0, 'link')}'s bytes arrive in slices of about {c.kw('average_bytes')}",
    "link.slow_close": lambda c: f"pass a close on {c.given(0, 'link')} on {c.kw('delay_ms')} ms late",
    "wire.order": _order,
    "server.execute": lambda c: f"have another session on {c.given(0, 'link')} do: {c.given(1, 'text')}",
    "server.lock": lambda c: f"lock the table {c.given(1, 'table')}",
    "server.hold_commits": lambda c: f"let transactions on {c.given(1, 'table')} wait in their COMMIT",
    "server.end_sessions": lambda _: "let PostgreSQL end every session of the service",
    "server.flush": lambda _: "flush what the service keeps in Redis",
    "server.poison": lambda _: "let Redis remember deliveries that were never stored",
    "process.kill": lambda _: "kill the service (SIGKILL)",
    "process.terminate": lambda _: "end the service (SIGTERM)",
    "process.pause": lambda _: "freeze the service (SIGSTOP)",
    "process.misconfigure": lambda c: f"start the service with a wrong URL of {c.given(0, 'link')}",
    "syscall.connect": lambda c: f"answer connect() to {c.given(0, 'link')} with {c.kw('errno')}",
}  # fmt: skip
