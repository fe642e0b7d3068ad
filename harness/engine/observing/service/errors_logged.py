"""Looks in the service's log for the errors that its servers answered."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from harness.engine.rig import Rig
from harness.history.events import ErrorLogged, ErrorsMet

SHOWN = 3
WORD = re.compile(r"[a-z0-9]+")


@dataclass(slots=True)
class _Kind:
    """All errors of one code on one link. `deliveries`: the deliveries that got it, in order."""

    text: str
    deliveries: dict[str, None] = field(default_factory=dict)


def record_errors_logged(rig: Rig, lines: Sequence[str]) -> None:
    """Record, for each kind of error that answered a delivery's statement, the log lines that mention it.

    If the service's output was lost for a time, nothing is recorded: lines may be missing.
    """
    if rig.site.service.output_was_lost:
        return
    described = rig.target.description.log
    for met in rig.recorder.history.of(ErrorsMet):
        for logged in errors_logged(met, lines, owed=described.errors, in_other_words=described.in_other_words):
            rig.recorder.record("service", logged)


def errors_logged(
    met: ErrorsMet, lines: Sequence[str], *, owed: bool, in_other_words: Mapping[str, str] = MappingProxyType({})
) -> Sequence[ErrorLogged]:
    """Return, for each kind of error, the deliveries that no line mentions. `in_other_words`: other texts, by code."""
    kinds: dict[str, _Kind] = {}
    for error in met.errors:
        if error.delivery and not error.unread and not error.several:  # in a batch, each row may end differently
            kinds.setdefault(error.code, _Kind(error.text)).deliveries[error.delivery] = None
    texts = {code: {in_other_words.get(code, "")} for code in kinds}
    for error in met.errors:
        texts.get(error.code, set()).add(error.text)
    return [_logged(met.link, code, kind, _telling(code, texts[code], lines), owed) for code, kind in kinds.items()]


def _logged(link: str, code: str, kind: _Kind, telling: Sequence[str], owed: bool) -> ErrorLogged:
    untold = [delivery for delivery in kind.deliveries if not any(delivery in line for line in telling)]
    return ErrorLogged(
        link, code, kind.text, len(kind.deliveries), len(telling), tuple(untold[:SHOWN]), len(untold), owed
    )


def _telling(code: str, texts: set[str], lines: Sequence[str]) -> Sequence[str]:
    """The lines that contain the code or one of the texts, with anything between the words."""
    wanted = [f" {' '.join(words)} " for text in (code, *texts) if (words := _words(text))]
    return [line for line in lines if any(each in f" {' '.join(_words(line))} " for each in wanted)]


def _words(text: str) -> Sequence[str]:
    return WORD.findall(text.lower())


__all__ = ["errors_logged", "record_errors_logged"]
