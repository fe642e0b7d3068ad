"""Faults, and the evidence that they took effect."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class FaultActed(Event, kind="fault.acted"):
    """A fault is in force, or was tried. `number` counts from 1, in the order of injection.

    `took_ms`: how long before this event the harness began to inject it; the service may feel it from then on.
    """

    number: int
    fault: Value
    took_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class FaultHealed(Event, kind="fault.healed"):
    """The fault with this number is no longer in force. `instead`: what was seen instead, if it had no effect.

    `took_ms`: how long before this event the harness began to heal it; the fault may be gone from then on.
    """

    number: int
    instead: str = ""
    took_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class MessageMet(Value, kind="message_met"):
    """The message that met a fault of the relay, as the relay reports it.

    `link`: the name of its link, or of a hop. `connection` counts from 1 on its hop, `port` is the service's own.
    `direction`: `sent` or `answered`. `text`: the statement or command. `offset`: where the message begins in its
    stream, in bytes. `passed_bytes`: how many of its bytes were passed on; `whole`: these were all. `code`: the error
    that replaced it, if any. `delivery`: the id of its delivery, if its statement names one.
    """

    link: str
    connection: int
    port: int
    message: str
    direction: str
    text: str
    offset: int
    passed_bytes: int
    whole: bool = False
    code: str = ""
    delivery: str = ""

    @property
    def told(self) -> str:
        """In one sentence, for readers."""
        text = f" {' '.join(self.text.split())!r}" if self.text else ""
        return (
            f"{self.link}, connection {self.connection} (port {self.port}): {self.message} {self.direction}{text}, "
            f"at byte {self.offset} of the stream, {self.passed_bytes} bytes of it passed"
        )


@dataclass(frozen=True, repr=False)
class EvidenceSeen(Event, kind="evidence"):
    """Proof that the fault with this number took effect.

    `what`: the kind of evidence. `source`: the reporter. `at`: the message that met the fault, if one did.
    `deliveries`: the ids of all deliveries with a message that met it, if this event stands for several.
    """

    number: int
    what: str
    source: str
    detail: str
    at: MessageMet | None = None
    deliveries: tuple[str, ...] = ()
