"""The service's statements for a request, seen once with nothing broken, and their names in scenarios."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from harness.protocols.contract.search import SEARCHED
from harness.search.recording.places import Kind
from harness.search.recording.recording import Observed, Recording, Shapes
from harness.vocabulary import Link, Message
from harness.vocabulary.ids import ANY_NAME, EVERY_ID

PHASES = ("query", "commit", "idle")
"""Phases of a connection in which it carries the service's own statements."""
WORD_CHARACTERS = 24
SHOWN_CHARACTERS = 30
_NO_PLAIN = re.compile(r'[\s"\\]+')
_NO_WORD = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, command or request of the service. `word`: its name in a scenario's id.

    `kind`: the kind of delivery.
    """

    link: Link
    word: str
    text: str
    kind: Kind
    whole: str
    """The whole text; `text` is the shortest beginning that no other statement has, nor one of the service at rest."""
    having: str | None = None
    """The ids that distinguish the deliveries' own statements from others with that text. None if all belong to
    deliveries."""
    by_chance: bool = False
    """It names no delivery, and also comes without one, so a fault would strike any of them by chance."""
    is_answered: bool = True
    """Whether the server answers it: a message that is only published has no answer that could be lost."""
    shows: bool = False
    """Whether a read sends it, and names its delivery. `kind` may be that of an earlier delivery."""

    @property
    def shown(self) -> str:
        """Its beginning, for sentences."""
        return _NO_PLAIN.sub(" ", self.text).strip()[:SHOWN_CHARACTERS].rstrip()

    @property
    def sent(self) -> Message:
        """It is on its way to the server."""
        return self.link.sent(self.text, having=self.having)

    @property
    def answered(self) -> Message:
        """It was carried out, and its answer is on its way back."""
        return self.link.answered(self.text, having=self.having)


def statements(
    recordings: Sequence[Recording], links: Sequence[Link], at_rest: Shapes = frozenset(), *, every: str = EVERY_ID
) -> Sequence[Statement]:
    """The different statements of these deliveries, in the order in which they were sent.

    `at_rest`: what the service sends by itself, by link and fingerprint. `every`: finds the name of each delivery. A
    statement of both a delivery and a repeat belongs to the one that was recorded first.
    """
    named = {link.name: link for link in links}
    answers = {
        (message.link, " ".join(_named(message).split()))
        for recording in recordings
        for message in recording.messages
        if message.place.direction == "answered"
    }
    found = list(_different(recordings))
    naming = frozenset[tuple[str, str]]().union(*(recording.named for recording in recordings))
    shown = frozenset[tuple[str, str]]().union(*(each.named for each in recordings if each.kind == "read"))
    unnamed = at_rest.union(*(recording.unnamed for recording in recordings))
    # A rule treats all white space alike, and a few words of one line name a statement of many lines.
    texts = [(message.link, " ".join(message.text.split())) for message, _ in found]
    words = Counter[tuple[str, str]]()
    made: list[Statement] = []
    for (message, kind), (_, whole) in zip(found, texts, strict=True):
        others = [text for link, text in texts if link == message.link and text != whole]
        # Else a fault could strike what the service sends by itself, in place of what the scenario means.
        others += [text for link, text in at_rest if link == message.link and text != message.place.text]
        text = _shortest(whole, others)
        word = _word(text)
        words[message.link, word] += 1
        again = words[message.link, word]
        shape = (message.link, message.place.text)
        made.append(
            Statement(
                link=named[message.link],
                word=word if again == 1 else f"{word}_{again}",
                text=text,
                kind=kind,
                whole=message.text,
                having=every if shape in naming & unnamed else None,
                by_chance=shape in at_rest - naming,
                is_answered=(message.link, whole) in answers,
                shows=shape in shown,
            )
        )
    return made


def _different(recordings: Sequence[Recording]) -> Iterator[tuple[Observed, Kind]]:
    seen: set[tuple[str, str]] = set()
    for recording in recordings:
        for message in recording.messages:
            named = replace(message, text=_named(message))
            key = (message.link, named.text)
            if message.runs and named.text and message.place.phase in PHASES and key not in seen:
                seen.add(key)
                yield named, recording.kind


def _named(message: Observed) -> str:
    """Its text up to a delivery's id: the scenario strikes another delivery, and all recorded repeats have one id."""
    other = ANY_NAME.sub("?", message.text)
    if other == message.text:
        return message.text
    return SEARCHED.of(message.place.protocol).beginning([message.text, other])


def _shortest(text: str, others: Sequence[str]) -> str:
    """As many of its first words as distinguish it from the others of its link; all of it if another begins with it."""
    words = text.split(" ")
    for count in range(1, len(words) + 1):
        beginning = " ".join(words[:count])
        if not any(other.lower().startswith(beginning.lower()) for other in others):
            return beginning
    return text


def _word(text: str) -> str:
    return _NO_WORD.sub("_", text.lower())[:WORD_CHARACTERS].strip("_") or "message"
