"""What the relay has seen pass, compared with the message that a scenario waits for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from harness import postgres, redis
from harness.engine.observing.servers.relayed import a_whole_statement, busiest, found_among
from harness.errors import UsageError
from harness.relay import Seen
from harness.vocabulary import Message

INSERT = Seen(
    hop="postgres-1", connection=7, t_ns=1, direction="sent", message="Execute", text="INSERT INTO deliveries",
    phase="query", exchange=2, runs=True, ends_answer=False, offset=0, length=10,
)  # fmt: skip
OTHER = replace(INSERT, connection=3)
COMMIT = replace(INSERT, text="COMMIT;", phase="commit", message="Query")
ANSWER = replace(INSERT, direction="answered", message="ReadyForQuery", runs=False, ends_answer=True)
CROSSED = [INSERT, OTHER, replace(ANSWER, connection=3)]
"""Two ask, and the second is answered first."""
SEEN = [INSERT, ANSWER, OTHER, COMMIT, INSERT]


@pytest.mark.parametrize(
    ("moment", "seen"),
    [
        (postgres.sent("insert into"), SEEN),
        (postgres.sent(), [COMMIT]),
        (postgres.sent("INSERT", nth=3), SEEN),
        (postgres.sent("INSERT", connection=2), SEEN),
        (postgres.sent("INSERT", connection=1, nth=2), SEEN),
        (postgres.sent("COMMIT", phase="commit"), SEEN),
        (postgres.answered("INSERT"), SEEN),
        (postgres.answered("INSERT", connection=2), CROSSED),
        (postgres.answered("INSERT", connection=1), [*CROSSED, ANSWER]),
        (postgres.answered("INSERT", connection=1), [ANSWER]),  # asked before we looked
    ],
)
def test_what_has_come(moment: Message, seen: list[Seen]) -> None:
    assert found_among(moment, seen)[0]


@pytest.mark.parametrize(
    ("moment", "seen", "instead"),
    [
        (postgres.sent("INSERT"), [], "0 times postgres.sent('INSERT'); the last others: nothing"),
        (postgres.sent("COMMIT"), SEEN[:3], "0 times postgres.sent('COMMIT'); the last others: sent 'INSERT INTO"),
        (postgres.sent("INSERT", nth=4), SEEN, "3 times"),
        (postgres.sent("INSERT", connection=3), SEEN, "0 times"),
        (postgres.sent("INSERT", connection=2, nth=2), SEEN, "1 times"),
        (postgres.sent("COMMIT", phase="query"), SEEN, "0 times"),
        (postgres.answered("COMMIT"), SEEN, "0 times"),
        (postgres.answered("INSERT", connection=1), CROSSED, "0 times"),
    ],
)
def test_what_has_not(moment: Message, seen: list[Seen], instead: str) -> None:
    reached, words = found_among(moment, seen)
    assert not reached
    assert instead in words


@pytest.mark.parametrize(
    ("moment", "key"),
    [(postgres.sent(message="Bind"), "message"), (redis.answered("GET", having="msg_1"), "having")],
)
def test_what_the_relay_does_not_keep(moment: Message, key: str) -> None:
    with pytest.raises(UsageError) as caught:
        a_whole_statement(moment)
    assert f"until: {key} = " in caught.value.message
    assert f"inject wire.hold({moment!r})" in caught.value.hint


def test_the_busiest_statement_is_counted_by_its_shape() -> None:
    first = replace(INSERT, text="SET seen:msg_1 1 NX EX 60", message="SET")
    second = replace(first, text="SET seen:msg_2 1 NX EX 60")
    answer = replace(first, direction="answered")
    other = replace(first, text="PING", message="PING")
    assert busiest(redis, [first, other, answer, second, answer]) == 2
    assert busiest(redis, []) == 0
