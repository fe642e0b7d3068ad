"""Compares profiles side by side: what each one repairs, what it does not, and what it makes worse."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from harness.checks import Verdict
from harness.compare.losses import Losses, losses_of
from harness.history import read_history
from harness.results import RunResult
from harness.target import TargetDescription

SCHEMA = "harness.compare/1"
MUCH_LONGER = 2.0
MUCH_LONGER_MS = 500.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of one scenario under one profile. Times in milliseconds; None if there is no value."""

    verdict: Verdict
    reason: str
    worst_ms: float | None
    recovery_ms: float | None
    lost: int | None
    doubled: int | None
    repro: str = ""

    @classmethod
    def of(cls, result: RunResult) -> Outcome:
        """From a run and its history. Raises UsageError for a history that cannot be read."""
        losses = losses_of(read_history(result.history)) if result.history is not None else Losses(None, None)
        return cls(
            verdict=result.verdict,
            reason=result.reason,
            worst_ms=result.figures.get("slowest_ms"),
            recovery_ms=result.figures.get("recovery_ms"),
            lost=losses.lost,
            doubled=losses.doubled,
            repro=result.repro,
        )


@dataclass(frozen=True, slots=True)
class Compared:
    """One scenario, by profile."""

    id: str
    theme: str
    outcomes: Mapping[str, Outcome]


class Step:
    """The step from one profile to the next: ids of scenarios, each with a note if there is one."""

    def __init__(self, before: str, after: str, rows: Sequence[Compared]) -> None:
        self.before = before
        self.after = after
        both = [(row, row.outcomes[before], row.outcomes[after]) for row in rows if _in_both(row, before, after)]
        self.mended = [row.id for row, a, b in both if _is(a, Verdict.FAILED) and _is(b, Verdict.HELD)]
        self.not_mended = [row.id for row, a, b in both if _is(a, Verdict.FAILED) and _is(b, Verdict.FAILED)]
        self.made_worse = [f"{row.id} ({said})" for row, a, b in both if (said := _worse(a, b))]

    def to_json(self) -> dict[str, Any]:
        """Return a JSON object with the fields by name."""
        return {
            "from": self.before,
            "to": self.after,
            "mended": self.mended,
            "not_mended": self.not_mended,
            "made_worse": self.made_worse,
        }


def _in_both(row: Compared, before: str, after: str) -> bool:
    return before in row.outcomes and after in row.outcomes


def _is(outcome: Outcome, verdict: Verdict) -> bool:
    return outcome.verdict is verdict


def _worse(before: Outcome, after: Outcome) -> str:
    """Return what is worse; empty if nothing is. A repaired scenario may take longer, because a retry takes time."""
    if _is(before, Verdict.HELD) and _is(after, Verdict.FAILED):
        return f"held before; now {after.reason}"
    if before.verdict is not after.verdict:
        return ""
    for what, a, b in (("lost", before.lost, after.lost), ("doubled", before.doubled, after.doubled)):
        if a is not None and b is not None and b > a:
            return f"{b} {what}, {a} before"
    for what, was, now in (
        ("the worst answer", before.worst_ms, after.worst_ms),
        ("recovery", before.recovery_ms, after.recovery_ms),
    ):
        if was is not None and now is not None and now > MUCH_LONGER * was and now > was + MUCH_LONGER_MS:
            return f"{what} takes {seconds(now)}, {seconds(was)} before"
    return ""


@dataclass(frozen=True, slots=True)
class SideBySide:
    """The whole comparison. `profiles` in order, the best protected last."""

    profiles: Sequence[str]
    rows: Sequence[Compared]

    @property
    def steps(self) -> Sequence[Step]:
        """From each profile to the next."""
        return [Step(a, b, self.rows) for a, b in itertools.pairwise(self.profiles)]

    def counts(self, profile: str) -> Mapping[Verdict, int]:
        """Verdicts under a profile."""
        found = [row.outcomes[profile].verdict for row in self.rows if profile in row.outcomes]
        return {verdict: found.count(verdict) for verdict in Verdict if verdict in found}

    def to_json(self) -> dict[str, Any]:
        """Return the content of `compare.json`."""
        return {
            "schema": SCHEMA,
            "profiles": list(self.profiles),
            "scenarios": [
                {"id": row.id, "theme": row.theme, "profiles": {name: asdict(o) for name, o in row.outcomes.items()}}
                for row in self.rows
            ],
            "steps": [step.to_json() for step in self.steps],
        }

    def markdown(self) -> str:
        """`compare.md`: a table, and what each step fixes, does not fix, and makes worse."""
        return "\n".join(self._markdown()) + "\n"

    def _markdown(self) -> Iterator[str]:
        yield f"| scenario | {' | '.join(f'`{name}`' for name in self.profiles)} |"
        yield f"|---|{'---|' * len(self.profiles)}"
        for row in self.rows:
            cells = [cell_text(row.outcomes[name]) if name in row.outcomes else "" for name in self.profiles]
            yield f"| `{row.id}` | {' | '.join(cells)} |"
        totals = [", ".join(f"{count} {verdict}" for verdict, count in self.counts(p).items()) for p in self.profiles]
        yield f"| **all** | {' | '.join(totals)} |"
        for step in self.steps:
            yield ""
            yield f"From `{step.before}` to `{step.after}`:"
            yield ""
            for title, names in (
                ("mended", step.mended),
                ("not mended", step.not_mended),
                ("made worse", step.made_worse),
            ):
                yield f"- {title} ({len(names)}): {', '.join(escaped(name) for name in names) or 'nothing'}"


def cell_text(outcome: Outcome) -> str:
    """Return the text of a cell: `held, 0.07 s, back in 0.01 s`: verdict, worst answer, recovery, losses."""
    parts = [outcome.verdict.value]
    if outcome.worst_ms is not None:
        parts.append(seconds(outcome.worst_ms))
    if outcome.recovery_ms is not None:
        parts.append(f"back in {seconds(outcome.recovery_ms)}")
    parts += [f"**{count} {what}**" for what, count in (("lost", outcome.lost), ("doubled", outcome.doubled)) if count]
    return ", ".join(parts)


def seconds(time_ms: float) -> str:
    """Two digits after the point, because a table has no room for more."""
    return f"{time_ms / 1e3:.2f} s"


def escaped(text: str) -> str:
    """Text from a run, for a cell or a line of Markdown."""
    return " ".join(text.split()).replace("|", r"\|").replace("<", "&lt;")


def in_order(target: TargetDescription, names: Sequence[str]) -> Sequence[str]:
    """The profiles, the one with most protections off first; the default one is always included, and last."""
    default = target.default_profile
    others = [name for name in dict.fromkeys(names) if name != default]
    return [*sorted(others, key=lambda name: (-len(target.profiles[name].without), name)), default]
