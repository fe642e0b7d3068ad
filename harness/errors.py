"""The errors that the harness raises when it cannot go on. Each says what to do about it.

A fault that breaks the service never raises one of these: it leads to evidence and a verdict. These errors are about
the harness itself, the machine and the user's input.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

SHOWN_WHOLE = 60
"""How many valid words an error lists in full: the suite's themes, a section's keys, the faults."""
SHOWN_OF_MANY = 8


class HarnessError(Exception):
    """The harness itself, or the machine, failed. `hint` says what the reader can do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        self.message = message
        self.hint = hint
        super().__init__(f"{message}\n  mend: {hint}" if hint else message)

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the keyword arguments when the error is sent to another process."""
        return _rebuild, (type(self), self.message, self.hint)


def _rebuild(kind: type[HarnessError], message: str, hint: str) -> HarnessError:
    return kind(message, hint=hint)


class UsageError(HarnessError):
    """The user asked for something that does not exist or does not fit. The exit status is 4."""

    @classmethod
    def at(
        cls,
        place: str,
        key: str,
        value: object,
        problem: str,
        *,
        valid: Iterable[str] = (),
        mend: str = "",
        sought: str | None = None,
    ) -> UsageError:
        """Make an error that names the place, the key, the value, the closest valid one and what to do.

        For example::

            raise UsageError.at("target.toml", "links.cache.protocol", "reddis", "no such protocol", valid=["redis"])

        `valid`: the valid words. `mend`: what to do; without it, the error proposes the closest valid word. `sought`:
        what is compared with the valid words, if not the value itself. Of more than `SHOWN_WHOLE` valid words only the
        closest are shown, and how many there are.
        """
        known = sorted(valid)
        like = str(value) if sought is None else sought
        near = closest(like, known)
        parts = [f"{place}: {key} = {value!r}: {problem}"]
        if near:
            parts.append(f"closest valid: {near!r}")
        if known:
            parts.append(f"valid: {_some_of(known, like)}")
        if not mend:
            mend = f"write {near!r}" if near else f"use one of: {_some_of(known, like)}" if known else ""
        return cls("; ".join(parts), hint=mend)

    @classmethod
    def unknown_key(cls, place: str, key: str, value: object, problem: str, *, valid: Iterable[str]) -> UsageError:
        """Make an error about a key that does not exist: `valid` are the keys that do."""
        known = sorted(valid)
        return cls.at(place, key, value, problem, valid=known, mend="" if known else "take it out", sought=key)


class InconclusiveError(HarnessError):
    """A fault or a moment did not happen as the test intended, so the test says nothing about the application."""


def _some_of(known: list[str], like: str) -> str:
    """All valid words; if there are too many, the closest ones and the number of the others."""
    if len(known) <= SHOWN_WHOLE:
        return ", ".join(known)
    shown = difflib.get_close_matches(like, known, n=SHOWN_OF_MANY, cutoff=0.3) or known[:SHOWN_OF_MANY]
    return f"{', '.join(shown)} and {len(known) - len(shown)} others"


def closest(value: str, valid: Iterable[str]) -> str | None:
    """Return the valid word nearest to `value`, or None if none is near."""
    matches = difflib.get_close_matches(value, sorted(valid), n=1, cutoff=0.5)
    return matches[0] if matches else None
