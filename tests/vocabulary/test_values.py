"""Every kind of value: JSON, Python source and id."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import (
    ACKNOWLEDGED,
    ANY_OUTCOME,
    REFUSED,
    UNKNOWN,
    Postgres,
    Redis,
    link,
    no_fault,
    postgres,
    process,
    redis,
    service,
    wire,
)
from harness.engine.steps import Deliver, Inject, Step
from harness.history.events import Event
from harness.vocabulary import Link, Outcome, Value, from_json, to_json
from tests.vocabulary.support import KINDS, PARTS_OF_EVENTS, SPOKEN, STEPS, evaluated, of_kind, quick


def by_kind(classes: list[type[Value]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("cls", classes, ids=[cls.kind for cls in classes])


def test_every_kind_is_looked_at() -> None:
    """The lists below come from the registry: they are not empty, and hold all of it."""
    assert {cls for cls in KINDS if not issubclass(cls, Event) and cls.kind not in PARTS_OF_EVENTS} == {*SPOKEN, *STEPS}
    assert {
        "link.latency",
        "server.lock",
        "wire.order",
        "link.sent",
        "syscall.connect",
        "fired",
        "Postgres",
        "service.metric",
    } <= {cls.kind for cls in SPOKEN}
    assert len(STEPS) == 21


@by_kind(KINDS)
@quick
@given(st.data())
def test_json_is_read_back(cls: type[Value], data: st.DataObject) -> None:
    value = data.draw(of_kind(cls))
    text = json.dumps(to_json(value), allow_nan=False)
    again = from_json(json.loads(text), cls, place="here")
    assert again == value
    assert type(again) is type(value)


@by_kind([*SPOKEN, *STEPS])
@quick
@given(st.data())
def test_repr_is_the_source_that_builds_it(cls: type[Value], data: st.DataObject) -> None:
    value = data.draw(of_kind(cls))
    built = evaluated(repr(value))
    assert built == value
    assert type(built) is type(value)


@by_kind([*SPOKEN, *STEPS])
@quick
@given(st.data())
def test_str_is_safe_in_every_name(cls: type[Value], data: st.DataObject) -> None:
    assert re.fullmatch(r"[A-Za-z0-9._=+-]+", str(data.draw(of_kind(cls))))


@pytest.mark.parametrize(
    ("value", "source", "identity"),
    [
        (link.latency(redis, latency_ms=20), "link.latency(redis, latency_ms=20)", "link.latency-redis-latency_ms=20"),
        (no_fault, "no_fault", "no_fault"),
        (postgres.idle(), "postgres.idle(1)", "link.idle-postgres"),
        (Postgres("orders").idle(2), "Postgres('orders').idle(2)", "link.idle-orders-at_least=2"),
        (postgres.logged("a b|c"), "postgres.logged('a b|c')", "link.logged-postgres-a_b_c"),
        (link.cut(redis).fired(), "link.cut(redis).fired()", "fired-link.cut-redis"),
        (postgres.sent("COMMIT"), "postgres.sent('COMMIT')", "postgres.sent-COMMIT"),
        (
            postgres.answered("INSERT", message="BindComplete", nth=2, connection=1, phase="query", having="msg 1"),
            "postgres.answered('INSERT', message='BindComplete', phase='query', having='msg 1', connection=1, nth=2)",
            "postgres.answered-INSERT-message=BindComplete-phase=query-having=msg_1-connection=1-nth=2",
        ),
        (Redis("cache").answered(), "Redis('cache').answered()", "cache.answered"),
        (
            service.metric_is("lag", at_most=0.3, why="x"),
            "service.metric_is('lag', why='x', at_most=0.3)",
            "service.metric_is-lag-labels=_why=x_-at_most=0.3",
        ),
        (postgres.sends_per_request, "postgres.sends_per_request", "link.sends_per_request-postgres"),
        (
            Redis("cache").connects_peak(within_ms=250),
            "Redis('cache').connects_peak(within_ms=250)",
            "link.connects_peak-cache-within_ms=250",
        ),
        (
            wire.cut(postgres.answered("COMMIT"), after_bytes=17),
            "wire.cut(postgres.answered('COMMIT'), after_bytes=17)",
            "wire.cut-postgres.answered-COMMIT-after_bytes=17",
        ),
        (
            wire.order(postgres.sent("INSERT", connection=1), postgres.sent("COMMIT")),
            "wire.order(postgres.sent('INSERT', connection=1), postgres.sent('COMMIT'))",
            None,
        ),
        (
            process.kill(at=postgres.sent("COMMIT")),
            "process.kill(at=postgres.sent('COMMIT'))",
            "process.kill-postgres.sent-COMMIT",
        ),
        (Inject((link.cut(redis), link.down(postgres))), "inject(link.cut(redis), link.down(postgres))", None),
        (Deliver(5, expect=ACKNOWLEDGED | REFUSED), "deliver(5, expect=ACKNOWLEDGED | REFUSED)", None),
        (Deliver(expect=ANY_OUTCOME), "deliver(expect=ANY_OUTCOME)", None),
    ],
)  # fmt: skip
def test_words_that_people_read(value: Value, source: str, identity: str | None) -> None:
    assert repr(value) == source
    assert identity is None or str(value) == identity


@pytest.mark.parametrize(
    ("value", "word"),
    [(postgres, "postgres"), (Postgres("orders"), "postgres:orders"), (Redis("postgres"), "redis:postgres")],
)
def test_a_link_is_one_word_of_json(value: Link, word: str) -> None:
    assert to_json(value) == word
    assert from_json(word, Link, place="here") == value


def test_defaults_are_left_out_of_json() -> None:
    assert to_json(Deliver()) == {"kind": "deliver"}
    assert to_json(Deliver(2, expect=REFUSED)) == {"kind": "deliver", "n": 2, "expect": ["refused"]}


@pytest.mark.parametrize(
    ("outcome", "words", "source"),
    [
        (ACKNOWLEDGED, "acknowledged", "ACKNOWLEDGED"),
        (REFUSED | UNKNOWN, "refused or unknown", "REFUSED | UNKNOWN"),
        (ANY_OUTCOME, "any outcome", "ANY_OUTCOME"),
    ],
)
def test_outcomes_in_words(outcome: Outcome, words: str, source: str) -> None:
    assert str(outcome) == words
    assert repr(outcome) == source
    assert evaluated(source) == outcome


def test_a_kind_belongs_to_one_class() -> None:
    with pytest.raises(TypeError, match=r"belongs to harness\.engine\.steps\.Deliver already"):
        type("Other", (Step,), {}, kind="deliver")
    with pytest.raises(TypeError, match=r"belongs to harness\.engine\.steps\.Deliver already"):
        type("Deliver", (Step,), {"__module__": "scenarios.mine"}, kind="deliver")


def test_what_no_step_may_hold_is_not_written() -> None:
    with pytest.raises(TypeError, match="is not a value that a step may hold"):
        to_json(object())
