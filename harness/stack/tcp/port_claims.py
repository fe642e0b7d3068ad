"""Port numbers that no other run of the harness uses, claimed for as long as a proxy may need them.

A disabled proxy releases its port and binds it again when it is enabled. In between, the kernel does not assign the
number, because it is outside the ephemeral range; but another run might choose it. So each number is claimed by a UDP
socket bound to it. UDP and TCP ports are separate, so the claim disturbs no TCP listener; only one run can hold it; and
the kernel releases it however that run dies.

A claim does not bind other programs: a listener may still find its port in use, and then another one is claimed.
"""

from __future__ import annotations

import errno
import random
import socket
import threading

from harness.closing import Closing
from harness.errors import HarnessError
from harness.stack.tcp.ports import candidates, ephemeral_range

ATTEMPTS = 200


class PortClaims(Closing):
    """The port numbers that one run holds: a context manager, usable from any thread."""

    def __init__(self) -> None:
        self._held: dict[int, socket.socket] = {}
        self._lock = threading.Lock()
        # The operating system's randomness: two runs that start at once, or are forked, must differ.
        self._random = random.SystemRandom()

    def claim(self) -> int:
        """Claim a port and return its number. Raises HarnessError if there is none."""
        ephemeral = ephemeral_range()
        numbers = candidates(ephemeral)
        for number in self._random.sample(numbers, min(ATTEMPTS, len(numbers))):
            held = _bind(number)
            if held is not None:
                with self._lock:
                    self._held[number] = held
                return number
        mend = f"free some of the ports outside {ephemeral.start} to {ephemeral.stop - 1}, the ephemeral range"
        raise HarnessError(f"no free port in {ATTEMPTS} attempts", hint=mend)

    def release(self, number: int) -> None:
        """Give the number back. Does nothing if it is not held."""
        with self._lock:
            held = self._held.pop(number, None)
        if held is not None:
            held.close()

    def close(self) -> None:
        """Give all numbers back. Idempotent."""
        with self._lock:
            numbers = list(self._held)
        for number in numbers:
            self.release(number)


def _bind(number: int) -> socket.socket | None:
    claim = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        claim.bind(("127.0.0.1", number))
    except OSError as error:
        claim.close()
        if error.errno in {errno.EADDRINUSE, errno.EACCES}:
            return None
        raise
    return claim
