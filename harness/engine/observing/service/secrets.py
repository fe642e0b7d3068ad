"""Searches for the run's secrets in everything that the service wrote and answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.checks.facts.exchanges import exchanges
from harness.engine.observing.service.probes import probe
from harness.engine.rig import Rig
from harness.history.events import Recovered, SecretsSought
from harness.vocabulary import CONFIRMED

LOG, ANSWER, METRICS = "the log", "an answer", "the metrics"
SHOWN = 10


async def record_secrets(rig: Rig) -> None:
    """Record which secrets the service's log, its answers and its metrics show."""
    texts = [*_answers(rig), *await _metrics(rig)]
    texts += [(LOG, line, False) for line in rig.site.service.log.read().splitlines()]
    known = rig.clients.secrets
    shown = [each for where, text, may in texts if text for each in known.shown_in(text, where, may_show_bodies=may)]
    rig.recorder.record(
        "runner", SecretsSought(len(known), sum(1 for _, text, _ in texts if text), len(shown), tuple(shown[:SHOWN]))
    )


async def _metrics(rig: Rig) -> Sequence[tuple[str, str, bool]]:
    if rig.recorder.history.last(Recovered) is None:
        return ()  # it may not answer: another check reports that
    probed = await probe(rig.target, rig.site.service)
    return [] if probed is None else [(METRICS, probed.text, False)]


def _answers(rig: Rig) -> Iterator[tuple[str, str, bool]]:
    for each in exchanges(rig.recorder.history):
        if each.ended is not None:
            yield ANSWER, "\n".join([*each.ended.headers, each.ended.answer]), each.outcome in CONFIRMED
