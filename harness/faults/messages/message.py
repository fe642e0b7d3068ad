"""The common base of all faults that strike at one message. The relay carries them out."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import Example, Ground
from harness.faults.fault import Fault, Injection
from harness.faults.messages._messages_met import MessagesMet
from harness.faults.site import Site
from harness.history.events import MessageMet
from harness.relay import Action, Direction, check_action
from harness.vocabulary import Message

Swept: TypeAlias = Mapping[str, Callable[[int], Action]]
"""The actions that a sweep has the relay perform on a message of this size, by their names in the sweep's map."""


def carried_out(kind: str) -> EvidenceKind:
    """Return the relay's evidence for a fault of this kind."""
    words = "the relay did it, and reports to which message, on which connection, at which byte"
    return EvidenceKind(kind.replace(".", "_"), "relay", words)


@dataclass(frozen=True, repr=False)
class MessageFault(Fault):
    """A fault that strikes at messages.

    The relay carries out `acts`, whose fields the fault has under the same names.
    """

    acts: ClassVar[type[Action]]
    swept: ClassVar[Swept] = {}
    """What a sweep does with it at every message."""
    swept_on_demand: ClassVar[Swept] = {}
    """What a sweep does with it only if asked to, once for each statement, because such a cell takes seconds."""
    not_swept: ClassVar[str] = ""
    """Why a sweep leaves it out."""
    hangs_up: ClassVar[bool] = False
    """Whether clients hang up at the message. The relay holds it until they have."""
    garbles: ClassVar[bool] = False
    """Whether it does to a stream what TCP never does: no service can survive it, but it can notice."""
    at: Message

    def __init_subclass__(cls, *, kind: str = "") -> None:
        """Register the fault. By default its evidence is the relay's report that the action was carried out."""
        super().__init_subclass__(kind=kind)
        if kind and "evidence" not in cls.__dict__:
            cls.evidence = (carried_out(kind),)

    def __post_init__(self) -> None:
        super().__post_init__()
        action = self.action()  # refuses an action that the relay can do to no message
        _check_direction(self.kind, self.at, action.directions)
        check_action(self.kind, action, self.at.message, self.at.link.protocol)

    def action(self) -> Action:
        """What the relay does with the message."""
        return self.acts(**{each.name: getattr(self, each.name) for each in dataclasses.fields(self.acts)})

    def effect(self) -> str:
        """What is done to the message. In `does`, `{at}` is the message in words."""
        return self.does.format(fault=self, at=self.at.words())

    @property
    def every_one(self) -> bool:
        """Whether it strikes at every such message, or at the first only."""
        return True

    @classmethod
    def example(cls, ground: Ground) -> Example | None:
        """It strikes at the answer to one statement."""
        return Example(cls(ground.answered))

    @classmethod
    def swept_as(cls, met: MessageMet) -> str:
        """The name of the action on this message in a sweep's map."""
        del met
        return next(iter(cls.swept), "")

    def injection(self, site: Site) -> Injection:
        """Arm the relay; disarm it when healed."""
        return MessagesMet(self.evidence[0], self.at, self.action(), site, every_one=self.every_one)


@dataclass(frozen=True, repr=False)
class WireFault(MessageFault):
    """A fault that strikes at the first such message, or with `always` at every one."""

    always: bool = field(default=False, kw_only=True)

    @property
    def every_one(self) -> bool:
        """Whether it strikes at every such message, or at the first only."""
        return self.always

    def words(self) -> str:
        """What it does, and whether to every such message."""
        return f"{self.effect()}, every time" if self.always else self.effect()


@dataclass(frozen=True, repr=False)
class Closing(WireFault):
    """A fault that ends the connection when `after_bytes` of the message, or (`after`) all of it, have passed.

    A message that has fewer bytes passes as a whole, and the fault waits for the next one.
    """

    after_bytes: int = field(default=0, kw_only=True)
    after: bool = field(default=False, kw_only=True)

    @classmethod
    def swept_as(cls, met: MessageMet) -> str:
        """Whether it struck before or after the message. A cut within it has no name: sweeps count those by bytes."""
        before, after = cls.swept
        return after if met.whole else "" if met.passed_bytes else before

    @property
    def when(self) -> str:
        """At which of the message's bytes, in words."""
        if self.after_bytes:
            return f", once {self.after_bytes} bytes of it have passed"
        return ", once it has passed" if self.after else ""


def _check_direction(place: str, at: Message, directions: Sequence[Direction]) -> None:
    """Refuse a message whose direction does not fit the action. Raises UsageError."""
    if at.direction not in directions:
        problem, mend = f"strikes only at what is {directions[0]}", f"write {at.link!r}.{directions[0]}({at.text!r})"
        raise UsageError.at(place, "at", at, problem, mend=mend)
