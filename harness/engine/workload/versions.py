"""The versions of deliveries, which a service shows in its answers, and which a change has to name (`If-Match`)."""

from __future__ import annotations

import re
from collections.abc import Sequence

from harness.errors import UsageError
from harness.history.events import Asks
from harness.target import Delivery, Target
from harness.vocabulary import CONFIRMED, Outcome

SHOWING_VERSIONS = (Asks.DELIVER, Asks.READ, Asks.READ_CHANGED, Asks.CHANGE)
NEVER_SHOWN = "never-shown"
"""In place of a version that no answer has shown: the service has to reject it."""


class Versions:
    """The newest version of each delivery, by its name, as answers have shown it.

    A client that had no answer to a change names the same version again: then the service cannot do it twice. After a
    change whose answer shows no version, the client has to read the delivery first.
    """

    def __init__(self) -> None:
        self._newest: dict[str, str] = {}

    def of(self, delivery: Delivery) -> str:
        """Return its newest version."""
        return self._newest.get(delivery.name) or NEVER_SHOWN

    def require(self, target: Target, delivery: Delivery, change: str) -> None:
        """Raise UsageError if this change names a version, and no answer has shown it."""
        if change in target.description.versioned and not self._newest.get(delivery.name):
            problem = f"it names a version ({{version}}), and no answer has shown the newest one of {delivery.name}"
            read = next(iter(target.description.reads), "")
            mend = f"read it first: lab.request({read!r})" if read else "describe a read that shows it, in [reads.NAME]"
            raise UsageError.at("request", "name", change, problem, mend=f"{mend}; version of [sender] must find it")

    def learn(
        self, target: Target, delivery: Delivery, told: tuple[Asks, str, Outcome], headers: Sequence[tuple[str, str]],
        body: bytes,
    ) -> None:  # fmt: skip
        """Keep the version that an answer shows. `told`: what was asked, the request's name, and the answer's meaning.

        The answer to a repeat may be the first one's copy, which knows nothing of changes since.
        """
        asks, name, outcome = told
        expression = target.description.sender.version
        if expression is None or asks not in SHOWING_VERSIONS or outcome not in CONFIRMED:
            return
        head = "".join(f"{key}: {value}\n" for key, value in headers)
        found = re.search(expression, f"{head}\n{body.decode('utf-8', 'replace')}")
        if asks is Asks.DELIVER:
            if found is not None:
                self._newest.setdefault(delivery.name, found["version"])
        elif found is not None:
            self._newest[delivery.name] = found["version"]
        elif asks is Asks.CHANGE and not target.description.changes[name].removes:
            self._newest[delivery.name] = ""  # a repeat's answer, which may be older, does not fill it
