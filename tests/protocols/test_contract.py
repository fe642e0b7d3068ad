"""What the contract promises, of every registered protocol. A new one needs a `talk` in its folder of tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import harness
from harness.errors import UsageError
from harness.faults.example import Ground
from harness.faults.links.toxic import LinkFault
from harness.protocols import contract
from harness.protocols.contract.about import ABOUT
from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.frames import GARBAGE, Direction
from harness.protocols.contract.message import Message
from harness.protocols.contract.sample import SAMPLE
from harness.protocols.contract.search import SEARCHED
from harness.protocols.contract.speech import SPEECH, conversation, fingerprint
from harness.protocols.registry import PROTOCOLS, Facet
from harness.search.space.actions import ACTIONS
from harness.vocabulary import Link
from harness.vocabulary.links import WORDS
from tests.protocols.reading import CUTS, Read, chunks_of, read

DIRECTIONS: tuple[Direction, ...] = get_args(Direction)

every_protocol = pytest.mark.parametrize("protocol", PROTOCOLS)


def talk_of(protocol: str) -> Sequence[tuple[Direction, bytes]]:
    talk: Sequence[tuple[Direction, bytes]] = import_module(f"tests.protocols.{protocol}.talk").TALK
    return talk


def framed(protocol: str, cuts: Sequence[int]) -> dict[Direction, list[Read]]:
    """The frames of the talk, its bytes cut there; `read` fails where a byte is lost, kept back or in two frames."""
    framers = conversation(protocol).framers
    found: dict[Direction, list[Read]] = {"sent": [], "answered": []}
    for direction, data in talk_of(protocol):
        found[direction] += read(framers[direction], chunks_of(data, cuts))
    return found


def understood(protocol: str) -> list[Message]:
    talk = conversation(protocol)
    spans = ((direction, talk.framers[direction].feed(data)) for direction, data in talk_of(protocol))
    return [talk.understand(where, each.frame) for where, found in spans for each in found if each.first]


FACETS = sorted(
    {
        found
        for path in Path(harness.__file__).parent.rglob("*.py")
        for found in re.findall(r'\[.*\] = Facet\("(\w+)", "(\w+)"\)', path.read_text("utf-8"))
    }
)
"""Module and attribute of every facet that some layer asks for."""


def test_the_contracts_front_page_names_every_facet() -> None:
    named = re.findall(r"^- `(\w+)\.(\w+)`", contract.__doc__ or "", flags=re.MULTILINE)
    assert sorted(named) == FACETS


@every_protocol
@pytest.mark.parametrize(("module", "attribute"), FACETS, ids=[module for module, _ in FACETS])
def test_a_protocol_has_every_facet(protocol: str, module: str, attribute: str) -> None:
    assert Facet[object](module, attribute).of(protocol)


@every_protocol
@given(CUTS)
def test_frames_are_the_same_and_lose_no_byte_however_a_connection_is_read(protocol: str, cuts: list[int]) -> None:
    whole, cut = framed(protocol, []), framed(protocol, cuts)
    for direction in DIRECTIONS:
        ended = [frame for frame in whole[direction] if frame.complete]
        assert [frame for frame in cut[direction] if frame.complete] == ended
        assert all(frame.name != GARBAGE for frame in cut[direction])


@every_protocol
@given(st.lists(st.tuples(st.sampled_from(DIRECTIONS), st.binary(min_size=1, max_size=40)), max_size=8))
def test_whatever_comes_is_framed_and_understood_and_raises_nothing(
    protocol: str, read_bytes: list[tuple[Direction, bytes]]
) -> None:
    talk = conversation(protocol)
    for direction, data in read_bytes:
        position = 0
        for span in talk.framers[direction].feed(data):
            assert span.begin == position
            position = span.end
            if span.last:
                message = talk.understand(direction, span.frame)
                assert message.phase in WORDS.of(protocol).phases
        assert position == len(data)


@every_protocol
def test_every_message_of_a_talk_is_called_by_a_name_that_a_scenario_can_say(protocol: str) -> None:
    link = WORDS.of(protocol)
    messages = understood(protocol)
    assert {message.direction for message in messages} == {*DIRECTIONS}
    for message in messages:
        link.check_message_name("here", message.name, message.direction)
        assert message.phase in link.phases
        assert fingerprint(protocol, message.text) == fingerprint(protocol, message.text).strip()


@every_protocol
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_name_is_a_message_of_its_own_and_an_unknown_one_gets_the_nearest(
    protocol: str, direction: Direction
) -> None:
    link = WORDS.of(protocol)
    names = link.names[direction]
    assert len(set(names)) == len(names)
    if not names:
        assert link.open_names
        with pytest.raises(UsageError, match="write "):
            link.check_message_name("here", "no such name", direction)
    for name in names:
        with pytest.raises(UsageError, match=f"(?s)message = '{name}x'.*closest valid: '{name}'"):
            link.check_message_name("here", f"{name}x", direction)


@every_protocol
def test_an_unknown_phase_gets_the_nearest(protocol: str) -> None:
    link = WORDS.of(protocol)
    assert set(link.wordless_phases) <= set(link.phases)
    with pytest.raises(UsageError, match="phase"):
        link(protocol).sent(phase="qery")  # type: ignore[arg-type]  # what a user may write


@every_protocol
def test_a_link_is_said_by_its_name_and_read_back(protocol: str) -> None:
    link = WORDS.of(protocol)
    assert getattr(harness, link.__name__) is link
    assert getattr(harness, protocol) == link(protocol)
    for each in (link(protocol), link("another")):
        assert Link.from_shorthand(each.shorthand, place="here") == each


@every_protocol
def test_the_grammar_speaks_of_messages_that_there_are(protocol: str) -> None:
    speech, link = SPEECH.of(protocol), WORDS.of(protocol)
    grammar = speech.grammar
    sent, answered = set(link.names["sent"]), set(link.names["answered"])
    assert grammar.continues | grammar.completes | grammar.goodbyes <= sent
    assert grammar.concludes <= answered
    assert grammar.endless <= sent | answered
    if speech.tls is not None:
        assert speech.tls.answer in answered
        assert speech.tls.opens in sent
        assert b"no such luck" in speech.tls.refusal("no such luck")


@every_protocol
def test_a_new_connection_owes_nothing(protocol: str) -> None:
    talk = conversation(protocol)
    assert talk.unanswered(1) == 0
    assert talk.outside(None).phase in WORDS.of(protocol).phases


@every_protocol
def test_what_is_no_error_of_the_protocol_is_refused_and_what_the_search_gives_is_taken(protocol: str) -> None:
    speech, searched = SPEECH.of(protocol), SEARCHED.of(protocol)
    with pytest.raises(UsageError, match="here: code = 'no error'"):
        speech.check_error("here", ServerError("no error"), None)
    for error in searched.errors:
        speech.check_error("here", error, None)
    for error in searched.refusals:
        speech.check_error("here", error, searched.opens)
    assert set(searched.repeatable) <= set(searched.errors)


@every_protocol
def test_an_error_takes_the_place_of_a_statement(protocol: str) -> None:
    """What it sends to either side is read without garbage, and a statement that the server never saw is withdrawn."""
    for error in SEARCHED.of(protocol).errors:
        talk = conversation(protocol)
        ran = None
        for direction, data in talk_of(protocol):
            for span in talk.framers[direction].feed(data):
                message = talk.understand(direction, span.frame)
                ran = message if message.runs else ran
            if ran is not None:
                break
        assert ran is not None
        failure = talk.fail(ran, error)
        put = {"sent": failure.to_server, "answered": failure.to_service}
        assert any(put.values())
        for way in DIRECTIONS:
            frames = [span.frame for span in talk.framers[way].feed(put[way])]
            assert all(frame.complete and frame.name != GARBAGE for frame in frames)
        if not failure.to_server and not failure.closes:
            talk.withdraw(ran)
            assert talk.unanswered(ran.exchange + 1) == 0


@every_protocol
def test_the_search_leaves_out_actions_that_there_are(protocol: str) -> None:
    for exclusion in SEARCHED.of(protocol).exclusions:
        assert set(exclusion.actions) <= set(ACTIONS)
        assert exclusion.reason


@every_protocol
def test_a_protocol_has_a_name_for_people(protocol: str) -> None:
    assert ABOUT.of(protocol).title


@every_protocol
def test_a_first_draft_of_every_link_fault_can_be_written_for_it(protocol: str) -> None:
    assert SAMPLE.of(protocol).dead_url.partition("://")[2].startswith(("[fe80::", "nobody@[fe80::"))
    at = Ground(link=WORDS.of(protocol)(protocol), store=WORDS.of("postgres")("postgres"), rows="", place="")
    for fault in LinkFault.kinds().values():
        example = fault.example(at)
        assert example is not None
        assert str(at.link) in example.fault.words()
