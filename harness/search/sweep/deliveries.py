"""What a sweep delivers: small bodies that differ, all of one size, so that every message has the same length."""

from __future__ import annotations

import hashlib
import json
import random
import string

from harness.target import Delivery, OutgoingRequest
from harness.target.sender import fill

SOURCE = "harness"
BODY_BYTES = 120
"""With 100 the smallest that a target may refuse to take."""
DIGITS = 6


class DeliveryMaker:
    """Makes a lane's deliveries: the same for the same seed and lane."""

    def __init__(self, seed: int, lane: int) -> None:
        text = f"sweep/{seed}/{lane}"
        self._rng = random.Random(text)  # noqa: S311  # repeatable on purpose
        self._prefix = hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
        self._made = 0

    def __call__(self) -> Delivery:
        """Make the next one."""
        number = f"{self._made:0{DIGITS}}"
        self._made += 1
        empty = json.dumps({"number": number, "padding": ""})
        padding = "".join(self._rng.choices(string.ascii_letters, k=BODY_BYTES - len(empty)))
        body = json.dumps({"number": number, "padding": padding}).encode()
        return Delivery(f"msg_{self._prefix}_{number}", SOURCE, body)


def read_request(path: str, delivery: Delivery) -> OutgoingRequest:
    """Ask for what is stored of a delivery, at the path that the target description gives."""
    return OutgoingRequest("GET", fill(path, {"source": delivery.source, "id": delivery.id}), {}, b"")
