"""Any value of any registered kind, drawn from the types of its fields."""

from __future__ import annotations

import types
import typing
from typing import Any, Union

from hypothesis import settings
from hypothesis import strategies as st

import harness
from harness.history.events import Event
from harness.scenario.steps import Deliver, Expect, Heal, Inject, Restart, Step, Traffic, Until
from harness.vocabulary import Outcome, Postgres, Redis, Value

quick = settings(max_examples=12, deadline=None, derandomize=True, database=None)
"""The same few examples in every run."""

KINDS = sorted(Value.kinds().values(), key=lambda cls: cls.kind)
SPOKEN = [cls for cls in KINDS if not issubclass(cls, Event | Step) and cls.kind != "row"]
"""What a scenario can write down: links, moments, figures and faults."""
STEPS = sorted(Step.kinds().values(), key=lambda cls: cls.kind)

OUTCOMES = [Outcome(bits) for bits in range(1, 8)]
LINKS: dict[type[Value], list[Any]] = {
    Postgres: [Postgres("postgres"), Postgres("orders")],
    Redis: [Redis("redis"), Redis("postgres")],
}
OF_FIELD: dict[str, st.SearchStrategy[Any]] = {
    "table": st.from_regex(r"[A-Za-z_][A-Za-z0-9_]*", fullmatch=True),
    "pattern": st.sampled_from(["Error (22|110)", r"\. Invalid", "'\"\\\\", "ü+", ""]),
    # Within what Toxiproxy can keep: at most the latency, less than a slice.
    "jitter_ms": st.integers(0, 1),
    "variation_bytes": st.just(0),
}


def of_kind(cls: type[Value]) -> st.SearchStrategy[Value]:
    """Any value of one class."""
    if cls in LINKS:
        return st.sampled_from(LINKS[cls])
    if cls.kind == "service.metric":
        labels = st.lists(st.sampled_from(["reason=connection_lost", "outcome=a=b"]), unique=True).map(tuple)
        return st.builds(cls, st.from_regex(r"[a-zA-Z_:][a-zA-Z0-9_:]*", fullmatch=True), labels)
    fields = {name: OF_FIELD[name] if name in OF_FIELD else _of_type(hint) for name, hint in cls.field_types().items()}
    if cls is Expect:
        fields["at_most"] = st.floats(0, 1e9)  # one limit at least
    return st.builds(cls, **fields)


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
        return st.one_of([of_kind(cls) for cls in KINDS if issubclass(cls, hint)])
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(1, 90),
        float: st.floats(0.5, 1e9),
        str: st.text(),
        bool: st.booleans(),
        type(None): st.none(),
    }
    return plain[hint]


def evaluated(source: str) -> object:
    """Evaluate what a scenario could hold: the harness's own words, and the steps by their verbs."""
    verbs = {
        "deliver": Deliver, "traffic": Traffic, "until": Until, "restart": Restart, "expect": Expect,
        "inject": lambda *faults: Inject(faults), "heal": lambda *faults: Heal(faults),
    }  # fmt: skip
    return eval(source, {**vars(harness), **verbs})  # noqa: S307  # Python source is what is tested
