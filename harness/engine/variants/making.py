"""Makes the variants of a target's usual delivery and reads. Each has a stable name."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from harness.engine.variants import operators, raw_operators
from harness.engine.variants.raw import LENGTH, Change, RawRequest, raw
from harness.engine.workload.outgoing import source_of
from harness.target import SOURCE, Delivery, OutgoingRequest, Target
from harness.target.sender import fill, words_of

DELIVERS = "delivery"
BESIDE_THE_TARGETS = (b"host", LENGTH)
"""The client's own headers. `raw_operators.LINES` lists what can be done to them."""


def _same(request: RawRequest) -> RawRequest:
    return request


def _alike(delivery: Delivery) -> Delivery:
    return delivery


@dataclass(frozen=True, slots=True)
class Variant:
    """One change: of the delivery before it is signed, or of the request.

    `reads`: the target's read of which it is a variant; empty for a delivery. `age_s`: how long ago it was signed.
    `again`: it is sent twice, and the second answer counts.
    """

    name: str
    change: Change = _same
    meant: Callable[[Delivery], Delivery] = _alike
    reads: str = ""
    age_s: float = field(default=0.0, kw_only=True)
    again: bool = field(default=False, kw_only=True)

    def request(self, target: Target, delivery: Delivery, host: str) -> RawRequest:
        """The request's bytes. `delivery`: as `meant` returned it; for a read, a stored one."""
        return self.change(raw(_usual(target, delivery, self.reads, self.age_s), host))


def _usual(target: Target, delivery: Delivery, reads: str, age_s: float = 0.0) -> OutgoingRequest:
    if reads:
        described, words = target.description.reads[reads], words_of(delivery)
        headers = {name: fill(text, words) for name, text in described.headers.items()}
        return OutgoingRequest(described.method, fill(described.path, words), headers, b"")
    if age_s:
        return target.sender.request(delivery, age_s=age_s)  # type: ignore[call-arg]  # looked at in `_ages`
    return target.sender.request(delivery)


def variants(target: Target) -> tuple[Variant, ...]:
    """Return all variants of a target, in a fixed order. Their values come from the requests that its sender builds."""
    usual = raw(_usual(target, Delivery("example", SOURCE, b"{}"), ""), "localhost")
    names = [name for name, _ in usual.headers if name not in BESIDE_THE_TARGETS]
    return (
        Variant(f"{DELIVERS}: as usual"),
        Variant(f"{DELIVERS}: once more", again=True),
        *(each for name in names for each in _of_header(name, usual.value(name))),
        *_of_the_delivery(target),
        *_ages(target),
        *_of_lines(usual, DELIVERS, ""),
        *(Variant(f"{DELIVERS}: {name}", change) for name, change in raw_operators.CONTENT.items()),
        *(each for read in target.description.reads for each in _of_read(target, read)),
    )


def _of_header(name: bytes, value: bytes) -> Iterator[Variant]:
    word = name.decode("latin-1")
    for what, change in raw_operators.names_changed(name).items():
        yield Variant(f"{word}: {what}", change)
    for what, text in operators.VALUES.items():
        yield Variant(f"{word}: {what}", _with_value(name, text))
    if value.isdigit():
        for what, number in operators.NUMBERS.items():
            yield Variant(f"{word}: {what}", _with_number(name, number))


def _with_value(name: bytes, text: operators.Text) -> Change:
    return lambda r: r.replaced(name, (name, text(r.value(name))))


def _with_number(name: bytes, number: Callable[[int], str]) -> Change:
    return lambda r: r.replaced(name, (name, number(int(r.value(name))).encode()))


def _of_the_delivery(target: Target) -> Iterator[Variant]:
    for what, changed in operators.IDS.items():
        yield Variant(f"id: {what}", meant=_with_id(changed))
    for identity in ("", *target.description.identities):
        who = f" of {identity}" if identity else ""
        yield Variant(f"source{who}: as usual", meant=_with_source(target, identity, str))
        for what, changed in operators.SOURCES.items():
            if not identity or what in ("upper", "lower", "swapped case", "capital", "64 long"):
                yield Variant(f"source{who}: {what}", meant=_with_source(target, identity, changed))
    for what, body in operators.BODIES.items():
        yield Variant(f"body: {what}", meant=_with_body(body))
    for size in sorted({right.body_bytes for right in target.description.right.values() if right.body_bytes}):
        for more in (-1, 0, 1):
            yield Variant(f"body: {size + more} bytes", meant=_with_body(_of_size(size + more)))
    for what, body in operators.SIGNED_BODIES.items():
        yield Variant(f"body, after signing: {what}", _with_signed_body(body))


def _of_size(size: int) -> operators.Text:
    return lambda body: body.ljust(size)


def _with_id(changed: Callable[[str], str]) -> Callable[[Delivery], Delivery]:
    return lambda d: dataclasses.replace(d, id=changed(d.id))


def _with_source(target: Target, identity: str, changed: Callable[[str], str]) -> Callable[[Delivery], Delivery]:
    return lambda d: dataclasses.replace(d, source=changed(source_of(target, identity)), identity=identity)


def _with_body(body: operators.Text) -> Callable[[Delivery], Delivery]:
    return lambda d: dataclasses.replace(d, body=body(d.body))


def _with_signed_body(body: operators.Text) -> Change:
    return lambda r: r.with_body(body(r.body))


def _ages(target: Target) -> Iterator[Variant]:
    if "age_s" in inspect.signature(target.sender.request).parameters:
        for what, age_s in operators.AGES_S.items():
            yield Variant(f"age: {what}", age_s=age_s)


def _of_lines(usual: RawRequest, word: str, reads: str) -> Iterator[Variant]:
    for what, change in raw_operators.methods_changed(usual.method).items():
        yield Variant(f"{word}: method {what}", change, reads=reads)
    for what in raw_operators.paths_changed(b"/"):
        yield Variant(f"{word}: path, {what}", _path_change(what), reads=reads)
    for what, change in raw_operators.LINES.items():
        if not reads or not raw_operators.of_a_body(what):
            yield Variant(f"{word}: {what}", change, reads=reads)


def _path_change(what: str) -> Change:
    return lambda r: raw_operators.paths_changed(r.path)[what](r)


def _of_read(target: Target, read: str) -> Iterator[Variant]:
    usual = raw(_usual(target, Delivery("example", SOURCE, b"{}"), read), "localhost")
    word = f"read {read}"
    yield Variant(f"{word}: as usual", reads=read)
    yield from _of_lines(usual, word, read)
    yield Variant(f"{word}: with a body", lambda r: r.with_headers((LENGTH, b"2")).with_body(b"{}"), reads=read)
    for what, changed in operators.READ_IDS.items():
        yield Variant(f"{word}: id, {what}", meant=_with_id(changed), reads=read)
