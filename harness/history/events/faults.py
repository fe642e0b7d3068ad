"""Faults, and the evidence that they took effect."""

from __future__ import annotations

from dataclasses import dataclass

from harness.history.events.event import Event
from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class FaultActed(Event, kind="fault.acted"):
    """A fault is in force, or was tried. `number` counts from 1, in the order of injection.

    `took_ms`: so long before this the harness began with it, and from then on it may have been felt.
    """

    number: int
    fault: Value
    took_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class FaultHealed(Event, kind="fault.healed"):
    """The fault with this number is no longer in force. `instead`: what was seen, where it had no effect.

    `took_ms`: so long before this the harness began to heal it, and from then on it may have been gone.
    """

    number: int
    instead: str = ""
    took_ms: float = 0.0


@dataclass(frozen=True, repr=False)
class MessageMet(Value, kind="message_met"):
    """The message of a protocol that met a fault of the relay's, by the relay's report.

    `link`: its name, or a hop's. `connection` counts from 1 on its hop, `port` is the service's own.
    `direction`: `sent` or `answered`. `text`: the statement or command. `offset`: in bytes, where the
    message begins in its stream. `passed_bytes`: so much of it was passed on; `whole`: that was all of
    it. `code`: of the error that took its place, if one did. `delivery`: the id of the delivery that it
    was about, if its statement says so.
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
        """In one sentence, for people."""
        text = f" {' '.join(self.text.split())!r}" if self.text else ""
        return (
            f"{self.link}, connection {self.connection} (port {self.port}): {self.message} {self.direction}{text}, "
            f"at byte {self.offset} of the stream, {self.passed_bytes} bytes of it passed"
        )


@dataclass(frozen=True, repr=False)
class EvidenceSeen(Event, kind="evidence"):
    """Proof that the fault with this number took effect.

    `what`: the kind of evidence. `source`: who reports it. `at`: the message that met the fault, if one did.
    `deliveries`: the ids of all deliveries of which a message met it, where this stands for several.
    """

    number: int
    what: str
    source: str
    detail: str
    at: MessageMet | None = None
    deliveries: tuple[str, ...] = ()
