"""Makes the requests of a target's contract: deliveries, reads, unusual and wrong requests, health."""

from __future__ import annotations

import base64
import binascii
import contextlib
import dataclasses
import hashlib
import inspect
import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, tzinfo
from email.utils import parsedate_to_datetime
from typing import TypeVar, cast

from harness.engine.workload.payloads import with_another_letter
from harness.errors import UsageError
from harness.history.events import Asks
from harness.target import SOURCE, Delivery, OutgoingRequest, Target
from harness.target.placeholders import LINK_AWAY
from harness.target.sections.requests import ChangedDescription, RightDescription, UpdateDescription, WrongDescription
from harness.target.sender import Then, body_of, fill, words_of, words_of_change
from harness.vocabulary.ids import id_of

CLOCK_TOLERANCE_S = 0.25
"""Clocks of two machines do not agree better than this, and a service may round."""
READY = "ready"
DescribedT = TypeVar("DescribedT")


def outgoing(target: Target, delivery: Delivery, asks: Asks, name: str, *, ahead_s: float = 0.0) -> OutgoingRequest:
    """Build the request that asks this of the delivery.

    `name`: which of the target's reads, changes, right or wrong requests, or health paths; empty for a plain delivery.
    `ahead_s`: how far the service's clock is ahead; signatures use that time. Raises UsageError for a name that the
    target does not have.
    """
    match asks:
        case Asks.DELIVER if name:
            return _made_right(target, delivery, _named(target.description.right, "right", name), ahead_s)
        case Asks.DELIVER | Asks.TAKEN:
            return _signed(target, delivery, 0.0, ahead_s)
        case Asks.CHANGE:
            return _changing(delivery, _named(target.description.changes, "changes", name))
        case Asks.READ | Asks.READ_UNSENT | Asks.READ_CHANGED:
            read = _named(target.description.reads, "reads", name)
            words = words_of(delivery)
            return OutgoingRequest(read.method, fill(read.path, words), _filled(read.headers, words), b"")
        case Asks.WRONG:
            return _made_wrong(target, delivery, _named(target.description.wrong, "wrong", name), ahead_s)
        case Asks.HEALTH:
            return OutgoingRequest("GET", _named(health_paths(target), "health", name), {}, b"")


def _changing(delivery: Delivery, change: UpdateDescription) -> OutgoingRequest:
    """`delivery`: with the body that is stored from then on."""
    words = words_of_change(delivery)
    body = b"" if change.removes else delivery.body
    if change.body is not None:
        body = body_of(change.body, delivery, words)
    return OutgoingRequest(change.method, fill(change.path, words), _filled(change.headers, words), body)


def health_paths(target: Target) -> Mapping[str, str]:
    """The paths of the service's health, `alive` and perhaps `ready`."""
    service = target.description.service
    return {"alive": service.alive, **({} if service.ready is None else {READY: service.ready})}


def told_away(target: Target, name: str, body: bytes) -> tuple[str, ...]:
    """Return the links that an answer to `ready` calls away; none for any other answer."""
    pattern = target.description.health.tells_away
    if pattern is None or name != READY:
        return ()
    text = body.decode("utf-8", "replace")
    links = target.description.links
    return tuple(link for link in links if re.search(pattern.replace(LINK_AWAY, re.escape(link)), text))


def shown(target: Target, name: str, body: bytes) -> str:
    """Return the SHA-256, in hex, of the body that an answer to the read `name` shows; "" if it shows none."""
    pattern = target.description.reads[name].shows
    found = None if pattern is None else re.search(pattern, body.decode("utf-8", "surrogateescape"))
    return "" if found is None else digest_shown(found)


def digest_shown(found: re.Match[str]) -> str:
    """Return the SHA-256, in hex, of a body: from the group `digest`, `body` or `base64`; "" for invalid base64."""
    groups = found.groupdict()
    if "digest" in groups:
        return found["digest"]
    name = "base64" if "base64" in groups else "body"
    text = (found[name] or "").encode("utf-8", "surrogateescape")
    try:
        return hashlib.sha256(base64.b64decode(text) if name == "base64" else text).hexdigest()
    except binascii.Error:
        return ""  # it shows no body


def name_of(groups: Mapping[str, str | None]) -> str:
    """Return the histories' name for a list's `id`, and perhaps `source`."""
    source = groups.get("source")
    return Delivery(id_of(groups["id"] or ""), SOURCE if source is None else source, b"").name


def changed(delivery: Delivery, description: ChangedDescription) -> Delivery:
    """Return the delivery with the id and the body of a right or a wrong request."""
    body = delivery.body if description.body is None else description.body.encode() * description.body_times
    if description.body_base64 is not None:
        body = base64.b64decode(description.body_base64)
    if description.body_bytes is not None:
        body = _of_size(body, description.body_bytes)
    name = delivery.id if description.id is None else fill(description.id, {"id": delivery.id})
    return dataclasses.replace(delivery, id=name, body=body)


def _body_sent(target: Target, changed_one: Delivery, description: ChangedDescription, built: bytes) -> bytes:
    """The body of a right or a wrong request. `built`: the request that the sender has made for `changed_one`.

    A template without a place for the delivery's body would send its usual body.
    """
    template = target.description.sender.http
    if template is None or template.carries_body:
        return built
    if description.body_base64 is not None:
        built = changed_one.body
    elif description.body is not None:
        built = fill(description.body, words_of(changed_one)).encode() * description.body_times
    return built if description.body_bytes is None else _of_size(built, description.body_bytes)


def _made_right(target: Target, delivery: Delivery, right: RightDescription, ahead_s: float) -> OutgoingRequest:
    """`delivery`: as `changed` returned it."""
    usual = _signed(target, delivery, right.age_s, ahead_s)
    headers = _filled(right.headers, {**words_of(delivery), **usual.headers})
    every = {**_without(usual.headers, headers), **headers, **_padding(right.head_bytes)}
    body = _body_sent(target, delivery, right, usual.body)
    return dataclasses.replace(usual, headers=every, body=body, pause_s=right.pause_ms / 1e3, then=_then(target, right))


def _made_wrong(target: Target, delivery: Delivery, wrong: WrongDescription, ahead_s: float) -> OutgoingRequest:
    meant = changed(delivery, wrong)
    if wrong.altered:
        usual = _signed(target, meant, wrong.age_s, ahead_s)
        # JSON allows it: a service that checks nothing else would accept it.
        return dataclasses.replace(usual, body=with_another_letter(usual.body) or usual.body + b" ")
    signer = wrong.signed_as or delivery.identity
    signed = dataclasses.replace(meant, source=source_of(target, signer), identity=signer)
    right = _signed(target, signed, wrong.age_s, ahead_s)
    path = right.path if wrong.signed_as is None else target.sender.request(meant).path
    words = {**words_of(meant), **right.headers}
    headers, trailers = _filled(wrong.headers, words), _filled(wrong.trailers, words) | _padding(wrong.trailer_bytes)
    if trailers:
        headers["transfer-encoding"] = "chunked"
    return OutgoingRequest(
        wrong.method or right.method,
        path if wrong.path is None else fill(wrong.path, words),
        {
            **_capital(wrong.first, words),
            **_without(right.headers, [*wrong.without_headers, *headers]),
            **headers,
            **_capital(wrong.last, words),
            **_padding(wrong.head_bytes),
        },
        _body_sent(target, meant, wrong, right.body),
        trailers,
        wrong.pause_ms / 1e3,
        wrong.sent_bytes,
        wrong.hangs_up,
        _then(target, wrong, rest=wrong.sends_rest, on_bytes=wrong.sends_on_bytes, stays=wrong.stays),
        wrong.trickle_ms / 1e3,
    )


def _then(
    target: Target, described: ChangedDescription, *, rest: bool = False, on_bytes: int = 0, stays: bool = False
) -> Then | None:
    """The bytes or requests that follow such a request; None: nothing."""
    alive = health_paths(target)["alive"]
    path = alive if described.followed_by else ""
    nonsense = described.followed_by == "nonsense"
    ahead = (alive,) * described.ahead
    then = Then(described.behind.encode(), rest, on_bytes, path, nonsense=nonsense, stays=stays, ahead_paths=ahead)
    return None if then == Then() else then


def _capital(headers: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    # HTTP ignores case in names, but a mapping does not.
    return {name.upper(): value for name, value in _filled(headers, words).items()}


def _padding(size: int | None) -> dict[str, str]:
    return {} if size is None else {"x-more": "x" * size}


def _without(headers: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    unwanted = {name.lower() for name in names}
    return {name: value for name, value in headers.items() if name.lower() not in unwanted}


def source_of(target: Target, identity: str) -> str:
    """The source that an identity sends as; `identity`: its name, empty for the first sender."""
    return target.description.identities[identity].source if identity else SOURCE


def _signed(target: Target, delivery: Delivery, age_s: float, ahead_s: float) -> OutgoingRequest:
    if ahead_s and "age_s" in inspect.signature(target.sender.request).parameters:
        age_s -= ahead_s
    if not age_s:
        return target.sender.request(delivery)
    # `load_target` has seen that this sender takes it.
    request = cast("Callable[..., OutgoingRequest]", target.sender.request)
    return request(delivery, age_s=age_s)


def _of_size(body: bytes, size: int) -> bytes:
    """The same JSON document, filled up with blanks, which JSON allows, or cut to its first bytes."""
    return body[:size].ljust(size)


def _filled(headers: Mapping[str, str], words: Mapping[str, str]) -> dict[str, str]:
    return {name: fill(text, words) for name, text in headers.items()}


def dated_ahead_s(headers: Sequence[tuple[str, str]]) -> Iterator[float]:
    """Return how far ahead of this machine's clock an answer's date is, if it has a date that can be read."""
    for name, value in headers:
        if name == "date":
            with contextlib.suppress(ValueError):
                yield parsedate_to_datetime(value).timestamp() - time.time()


def misdated(dated: str, *, after_s: float, before_s: float) -> Sequence[str]:
    """What is wrong with the time at which, according to an answer, the delivery was stored.

    It must be between the two.

    `after_s`: infinite if it is not known when the delivery was sent.
    """
    if not dated or after_s > before_s:
        return ()
    try:
        at_s = seconds_of(dated)
    except ValueError:
        return (f"a time that can be read: {dated!r}",)
    if after_s - CLOCK_TOLERANCE_S <= at_s <= before_s + CLOCK_TOLERANCE_S:
        return ()
    wrong = f"{after_s - at_s:.1f} s before it was sent" if at_s < after_s else "in the future"
    return (f"the time at which it was stored: {dated} is {wrong}",)


def seconds_of(text: str, *, zone: tzinfo | None = UTC) -> float:
    """Read a time, in seconds or in ISO 8601. `zone`: the zone of a time without one; None: a zone is required.

    Raises ValueError.
    """
    if text.replace(".", "", 1).isdigit():
        return float(text)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None and zone is None:
        raise ValueError("no time zone")
    return (at if at.tzinfo else at.replace(tzinfo=zone)).timestamp()


def _named(known: Mapping[str, DescribedT], table: str, name: str) -> DescribedT:
    if name not in known:
        mend = "" if known else f"describe one in the target, in a table [{table}.NAME]"
        raise UsageError.at("request", "name", name, "the target has no such request", valid=known, mend=mend)
    return known[name]
