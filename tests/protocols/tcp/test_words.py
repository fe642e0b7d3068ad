from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from harness import Message, Tcp, tcp, wire
from harness.errors import UsageError
from harness.vocabulary import from_json, to_json
from harness.vocabulary.links import Sent

LEDGER = Tcp("ledger")


@pytest.mark.parametrize("say", [tcp.sent, tcp.answered])
def test_a_direction_needs_no_words(say: Callable[..., Message]) -> None:
    assert say().message == "Stream"
    assert say(connection=2).connection == 2


@pytest.mark.parametrize(
    "words", [{"text": "GET /"}, {"having": "x"}, {"text": "GET /", "message": "Stream"}]
)  # fmt: skip
@pytest.mark.parametrize("say", [LEDGER.sent, LEDGER.answered])
def test_a_text_is_refused_in_words(say: Callable[..., Message], words: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="plain TCP has no messages") as refused:
        say(**words)
    assert "wire.cut(Tcp('ledger')." in (refused.value.hint or "")
    assert "after_bytes=N" in (refused.value.hint or "")


def test_a_message_by_any_name_but_the_streams_is_refused() -> None:
    with pytest.raises(UsageError, match="no message of tcp that is sent"):
        tcp.sent(message="Query")
    with pytest.raises(UsageError, match="plain TCP has no statements"):
        Sent(tcp)


def test_what_waits_for_the_end_of_a_stream_is_refused_where_it_is_written() -> None:
    with pytest.raises(UsageError, match=r"wire\.duplicate.*a Stream ends only with its connection"):
        wire.duplicate(tcp.sent())
    with pytest.raises(UsageError, match=r"wire\.fail.*plain TCP has no messages"):
        wire.fail(tcp.sent(), code="503")


@pytest.mark.parametrize("message", [tcp.sent(), LEDGER.answered(connection=3)])
def test_a_message_goes_through_json_and_source(message: Message) -> None:
    assert from_json(json.loads(json.dumps(to_json(message))), Message, place="here") == message
    assert eval(repr(message), {"tcp": tcp, "Tcp": Tcp}) == message  # noqa: S307  # our own repr
