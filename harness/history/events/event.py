"""The base class of a history's events."""

from __future__ import annotations

from dataclasses import dataclass

from harness.vocabulary import Value


@dataclass(frozen=True, repr=False)
class Event(Value):
    """One line of a history."""

    def __post_init__(self) -> None:
        """Skip validation: only the harness creates events, in large numbers, and they are type-checked."""


@dataclass(frozen=True, repr=False)
class Named(Value, kind="named"):
    """Stands for a fault or a moment that is not in the vocabulary: a point of the fault space, an order.

    Its `repr` is the name alone.
    """

    name: str

    def __repr__(self) -> str:
        """Return the name."""
        return self.name
