"""The ids that a service itself gives to deliveries: found in its answers, and used in later requests."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Collection, Mapping, Sequence

from harness.history.events import Asks
from harness.target import Delivery, Target
from harness.vocabulary import ACKNOWLEDGED, CONFIRMED, Outcome
from harness.vocabulary.ids import uuid_of

GIVEN_ID = "the id that the service gives"
NEVER_REACHED = 1_000_000_000
"""No run stores this many deliveries, and the number fits into four bytes."""
_UUID = re.compile(r"[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}")


def gives_ids(target: Target) -> bool:
    """Whether the service gives an id to each delivery."""
    return target.description.sender.gives is not None


def with_given(target: Target, delivery: Delivery, given: Mapping[str, str]) -> Delivery:
    """Return the delivery with the id that the service gave to it, or with an unused one."""
    if not gives_ids(target):
        return delivery
    return dataclasses.replace(delivery, given=given.get(delivery.name) or never_given(given.values()))


def given_by(
    target: Target, asks: Asks, outcome: Outcome, headers: Sequence[tuple[str, str]], body: bytes
) -> tuple[str, Sequence[str]]:
    """Return the id that this answer gives to its delivery, or what the answer lacks if it should give one."""
    gives = target.description.sender.gives
    if gives is None or asks is not Asks.DELIVER or outcome not in CONFIRMED:
        return "", ()
    head = "".join(f"{name}: {value}\n" for name, value in headers)
    found = re.search(gives, f"{head}\n{body.decode('utf-8', 'replace')}")
    if found is not None and found["given"]:
        return found["given"], ()
    return "", (GIVEN_ID,) if outcome == ACKNOWLEDGED else ()


def never_given(given: Collection[str]) -> str:
    """Return an id of the same form that the service has not given and will not give."""
    last = max(given, key=len, default="1")
    if last.isdecimal():
        return str(int(last) + NEVER_REACHED)
    return uuid_of(f"never {last}") if _UUID.fullmatch(last) else f"{last[:-1]}{'1' if last.endswith('0') else '0'}-"
