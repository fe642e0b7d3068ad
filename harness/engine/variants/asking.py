"""Sends the variants of a run's requests to the service, and records each answer with the approved one."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.engine.observing.servers.stored import stored_rows
from harness.engine.rig import Rig
from harness.engine.tasks import at_once
from harness.engine.variants.answers import Answer, answer, belongs
from harness.engine.variants.approved import approved_of
from harness.engine.variants.making import Variant, variants
from harness.engine.variants.sending import SILENT, RawAnswer, answer_of
from harness.errors import UsageError
from harness.history.events import StoredRow, VariantAnswered
from harness.target import SOURCE, Delivery
from harness.vocabulary import NO_WORD

AT_ONCE = 4
"""More at once would only wait for a core."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A variant by its name, its delivery, and its answer. For the other fields see `VariantAnswered`."""

    name: str
    delivery: Delivery
    answer: Answer
    no_word: bool
    sent_ns: int
    took_ms: float


@dataclass(frozen=True, slots=True)
class _Sent:
    variant: Variant
    usual: Delivery
    meant: Delivery
    answer: RawAnswer
    sent_ns: int
    took_ms: float


async def ask_variants(rig: Rig) -> Sequence[Asked]:
    """Send every variant once, and return the answers.

    Send nothing else at the same time: the rows could not be assigned.

    The run does not read their rows later: no delivery of the run has their names.
    """
    known = {row.id for row in await stored_rows(rig)} | rig.not_judged
    turn = asyncio.Semaphore(AT_ONCE)
    make = _maker(rig)
    stored = make(len(variants(rig.target)))
    if rig.target.description.reads:
        await _send(rig, Variant(""), stored, stored)

    async def in_turn(number: int, variant: Variant) -> _Sent:
        usual = stored if variant.reads else make(number)
        async with turn:
            return await _send(rig, variant, usual, variant.meant(usual))

    sent = await at_once(in_turn(number, each) for number, each in enumerate(variants(rig.target)))
    rows = [row for row in await stored_rows(rig) if row.id not in known]
    rig.not_judged.update(row.id for row in rows)
    return [
        Asked(
            each.variant.name, each.meant, _answered(each, rows), _no_word(rig, each.answer), each.sent_ns, each.took_ms
        )
        for each in sent
    ]  # fmt: skip


async def record_variants(rig: Rig) -> None:
    """Send every variant once, and record its answer. Raises UsageError if there is no file of approved answers."""
    approved = approved_of(rig.target)
    if approved is None:
        mend = "write it with `python -m harness answers --update`, or leave the step out"
        raise UsageError.at("lab", "step", "variants", "no answer is approved: there is no answers.toml", mend=mend)
    for asked in await ask_variants(rig):
        known = approved.get(asked.name)
        told = "" if known is None else str(known)
        answered = VariantAnswered(
            asked.name, told, str(asked.answer), asked.delivery.name, asked.no_word, asked.sent_ns, asked.took_ms
        )
        rig.recorder.record("client", answered)


def _maker(rig: Rig) -> Callable[[int], Delivery]:
    """Makes the delivery of the variant with that number.

    Its name contains the run's, and always has the same length.
    """
    seed = f"{rig.clients.deliveries.seed}/variants/{len(rig.not_judged)}"
    run = hashlib.blake2b(seed.encode(), digest_size=4).hexdigest()

    def make(number: int) -> Delivery:
        name = f"v{number:04}-{run}"
        return Delivery(name, SOURCE, f'{{"variant":"{name}","of":[1,"two"]}}'.encode())

    return make


async def _send(rig: Rig, variant: Variant, usual: Delivery, meant: Delivery) -> _Sent:
    service = rig.site.service
    request = variant.request(rig.target, meant, f"127.0.0.1:{service.port}")
    began_ns = time.monotonic_ns()
    got = await answer_of(service.port, request, within_s=rig.clients.patience_s)
    if variant.again:
        got = await answer_of(service.port, request, within_s=rig.clients.patience_s)
    return _Sent(variant, usual, meant, got, began_ns, round((time.monotonic_ns() - began_ns) / 1e6, 3))


def _no_word(rig: Rig, got: RawAnswer) -> bool:
    """Whether the answer did not come in time, or says "not now" or "I do not know"."""
    if not got.status:
        return got is SILENT
    return rig.target.labels.label(got.status, got.headers, got.body).outcome in NO_WORD


def _answered(sent: _Sent, rows: Sequence[StoredRow]) -> Answer:
    own = () if sent.variant.reads else [row for row in rows if belongs(row, sent.meant, sent.usual)]
    return answer(sent.answer, sent.meant, sent.usual, own)


__all__ = ["Asked", "ask_variants", "record_variants"]
