"""Any value of any registered kind, drawn from the types of its fields."""

from __future__ import annotations

import types
import typing
from typing import Any, Union

from hypothesis import settings
from hypothesis import strategies as st

import harness
from harness import Http, Link, Postgres, process, syscall
from harness.engine.steps import (
    Alerts,
    Contract,
    Copies,
    Deliver,
    Expect,
    Heal,
    Inject,
    Limits,
    Prepare,
    Request,
    Restart,
    Roll,
    Starts,
    Step,
    Supervised,
    Traffic,
    Until,
    Variants,
    Wait,
)
from harness.engine.workload.load_steps import Arrivals, Capacity, ComesBack
from harness.faults.messages.message import MessageFault
from harness.faults.messages.timing import TimedFault
from harness.faults.processes.end import Terminate
from harness.history.events import Event
from harness.protocols.contract.speech import SPEECH
from harness.protocols.postgres.errors import REPLACEABLE
from harness.vocabulary import ENDS, Answered, Idle, Message, Metric, MetricIs, Outcome, Sent, Start, Value
from harness.vocabulary.links import WORDS

quick = settings(max_examples=12, deadline=None, derandomize=True, database=None)
"""The same few examples in every run."""

KINDS = sorted(
    # Not the broken faults that other tests make: no scenario can write those down.
    (cls for cls in Value.kinds().values() if not cls.__module__.startswith("tests.")),
    key=lambda cls: cls.kind,
)
PARTS_OF_EVENTS = frozenset(
    {
        "row",
        "said.family",
        "said.key",
        "said.series",
        "message_met",
        "named",
        "core_wait",
        "try",
        "logged",
        "secret",
        "series",
        "error_met",
        "connection_used",
        "quiet_time",
    }
)
SPOKEN = [cls for cls in KINDS if not issubclass(cls, Event | Step) and cls.kind not in PARTS_OF_EVENTS]
"""What a scenario can write down: links, moments, figures and faults."""
STEPS = sorted(Step.kinds().values(), key=lambda cls: cls.kind)

OUTCOMES = [Outcome(bits) for bits in range(1, 1 << len(Outcome))]
LINKS: dict[type[Value], list[Link]] = {kind: [kind(name), kind("orders")] for name, kind in WORDS.all().items()}
OF_FIELD: dict[str, st.SearchStrategy[Any]] = {
    "table": st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True),
    "pattern": st.sampled_from(["Error (22|110)", r"\. Invalid", "'\"\\\\", "ü+", ""]),
    # Within what Toxiproxy can keep: at most the latency, less than a slice.
    "jitter_ms": st.integers(0, 1),
    "variation_bytes": st.just(0),
    # A cut is after a number of bytes, or after them all.
    "after": st.just(False),
    # One connection is that of a message, which not every moment is.
    "one": st.just(False),
    "mtu_bytes": st.integers(200, 60_000),
    "seconds": st.floats(0.5, 600),
    "hides": st.sampled_from(["", "hunter2"]),
    "because": st.text(min_size=1).filter(str.strip),
}


OF_STEP: dict[type[Value], dict[str, st.SearchStrategy[Any]]] = {
    Terminate: {"worker": st.none()},  # a worker is asked only once
    Restart: {
        "settings": st.lists(st.sampled_from(["SHOP_POOL=0", "A=", "B=x=y 'z'"]), max_size=2).map(tuple),
        "says": st.sampled_from(["", "wrong|bad"]),
        "expect": st.just(ENDS),  # needed with what it says
    },
    process.terminate: {"worker": st.none()},  # a worker gets SIGTERM once
    process.limit: {"more_descriptors": st.integers(1, 90)},  # one limit at least
    syscall.no_descriptor: {"call": st.just("open")},  # the only one that has a path
    syscall.send: {"times": st.integers(1, 90)},  # an EINTR needs it
    syscall.receive: {"times": st.integers(1, 90)},
    Arrivals: {  # one rate
        "rate_per_s": st.just(None),
        "of_capacity": st.floats(0.1, 9),
        "for_s": st.none() | st.floats(0.1, 9),
        "patience_ms": st.floats(1, 9),
    },
    Capacity: {"for_s": st.floats(0.1, 9)},
    ComesBack: {"within_s": st.floats(0.1, 9), "to": st.floats(0.1, 1)},
    Copies: {"n": st.integers(2, 5)},
    Prepare: {"says": st.sampled_from(["", "wrong|bad"]), "copies": st.integers(1, 20), "tries": st.just(1)},
    Request: {"expect": st.sampled_from(OUTCOMES)},  # needed with a limit of time
    Expect: {"at_most": st.floats(0, 1e9)},  # one limit at least
    MetricIs: {
        "name": st.just("a_total"),
        "labels": st.sampled_from([(), ("reason=a=b",)]),
        "at_most": st.floats(0, 1e9),
    },
    Limits: {"at_most": st.floats(0, 1e9), "figure": st.deferred(lambda: of_kind(Metric))},
}


def of_kind(cls: type[Value]) -> st.SearchStrategy[Value]:
    """Any value of one class."""
    if cls in LINKS:
        return st.sampled_from(LINKS[cls])
    if cls.kind == "service.metric":
        labels = st.lists(st.sampled_from(["reason=connection_lost", "outcome=a=b"]), unique=True).map(tuple)
        return st.builds(cls, st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]*", fullmatch=True), labels)
    if issubclass(cls, Message):
        return _messages(cls)
    if cls.kind == "wire.fail":
        return _messages(Sent, Postgres("postgres")).flatmap(lambda at: _failures(cls, at))
    if cls.kind == "wire.order":
        two = st.lists(of_kind(Sent) | of_kind(Answered), min_size=2, max_size=3).map(tuple)
        return st.builds(cls, two)
    # When a fault strikes is not any moment: one can be of a fault that strikes at another, and so on.
    given = {**OF_FIELD, "at": TIMES} if issubclass(cls, TimedFault) else OF_FIELD
    fields = {name: given[name] if name in given else _of_type(hint) for name, hint in cls.field_types().items()}
    if issubclass(cls, MessageFault):
        fields["at"] = st.one_of([of_kind(each) for each in (Sent, Answered) if each.direction in cls.acts.directions])
    if cls.kind == "wrong_length":
        fields |= {"at": _messages(Answered, Http("http")), "by": st.integers(-9, -1) | st.integers(1, 9)}
    return st.builds(cls, **{**fields, **OF_STEP.get(cls, {})})


def _of_type(hint: Any) -> st.SearchStrategy[Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (Union, types.UnionType):
        return st.one_of([_of_type(each) for each in arguments])
    if origin is tuple:
        return st.lists(_of_type(arguments[0]), min_size=1, max_size=3).map(tuple)
    if origin is typing.Literal:
        return st.sampled_from(arguments)
    if hint is Outcome:
        return st.sampled_from(OUTCOMES)
    if isinstance(hint, type) and issubclass(hint, Value):
        return _value(hint)
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(1, 90),
        float: st.floats(0.5, 86_400),
        str: st.text(),
        bool: st.booleans(),
        type(None): st.none(),
        Start: st.sampled_from(Start),
    }
    return plain[hint]


def _value(hint: type[Value]) -> st.SearchStrategy[Any]:
    if hint is Value:  # what an event holds: a fault, a step or a moment
        return st.sampled_from([cls for cls in [*SPOKEN, *STEPS] if cls not in LINKS]).flatmap(of_kind)
    return st.one_of([of_kind(cls) for cls in KINDS if issubclass(cls, hint)])


def _failures(cls: type[Value], at: Message) -> st.SearchStrategy[Any]:
    """Only a fatal error can come in any message's place."""
    any_error = at.message is None or at.message in REPLACEABLE
    fatal = st.booleans() if any_error else st.just(True)
    return st.builds(cls, st.just(at), code=st.sampled_from(["40001", "57P01"]), fatal=fatal)


def _messages(cls: type[Message], *links: Link) -> st.SearchStrategy[Message]:
    """Any message that ends: with `message` given in any phase, else only where there are statements."""

    def of(link: Link) -> st.SearchStrategy[Message]:
        names = [name for name in link.names[cls.direction] if name not in _endless(link)] or ["SET", "CLIENT"]
        word, count = st.none() | st.text(min_size=1), st.none() | st.integers(1, 90)
        whole_phases = [None, *(phase for phase in link.phases if phase not in link.wordless_phases)]
        words = {"having": word, "connection": count, "nth": count}
        whole = st.builds(cls, st.just(link), st.text(), phase=st.sampled_from(whole_phases), **words)
        phases = st.sampled_from([None, *link.phases])
        single = st.builds(cls, st.just(link), message=st.sampled_from(names), phase=phases, **words)
        return whole | single

    return st.sampled_from(links or WITH_MESSAGES).flatmap(of)


def _endless(link: Link) -> frozenset[str]:
    return SPEECH.of(link.protocol).grammar.endless


def _has_messages(link: Link) -> bool:
    return not link.names["sent"] or not _endless(link).issuperset(link.names["sent"])


WITH_MESSAGES = [link for links in LINKS.values() for link in links if _has_messages(link)]
TIMES = st.none() | of_kind(Sent) | of_kind(Idle)


def evaluated(source: str) -> object:
    """Evaluate what a scenario could hold: the harness's own words, and the steps by their verbs."""
    verbs = {
        "request": Request, "contract": Contract, "deliver": Deliver, "traffic": Traffic, "until": Until,
        "wait": Wait, "expect": Expect, "limits": Limits, "supervised": Supervised, "prepare": Prepare,
        "arrivals": Arrivals, "capacity": Capacity, "comes_back": ComesBack,
        "alerts": lambda *fires: Alerts(fires), "copies": Copies, "roll": Roll, "starts": Starts,
        "variants": Variants,
        "restart": lambda *settings, **of_the_start: Restart(settings, **of_the_start),
        "inject": lambda *faults: Inject(faults), "heal": lambda *faults: Heal(faults),
    }  # fmt: skip
    return eval(source, {**{name: getattr(harness, name) for name in harness.__all__}, **verbs})  # noqa: S307  # Python source is what is tested
