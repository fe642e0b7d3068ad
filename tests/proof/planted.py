"""Candidates of the webhook service that are worse than it is, on purpose: a protection off, too patient, too eager."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.plugin.collection import collect_scenarios
from harness.target import load_target
from tests.tiny import CHECKOUT

SCENARIOS = CHECKOUT / "scenarios"

# Left out is what no scenario can tell from the release. A pool whose connections live for five hours instead of half
# of one; a commit that is asked for a hundred times, since the request's own end comes first; a longer drain, which is
# never used up for the same reason. A drain shorter than a request is refused by the service's settings.
TEN_TIMES_AS_LONG: Mapping[str, Mapping[str, str]] = {
    "pool.bounded_checkout": {"WEBHOOK_POOL_TIMEOUT_S": "15"},
    "deadline.connect": {"WEBHOOK_CONNECT_TIMEOUT_S": "10"},
    "deadline.statement": {
        "WEBHOOK_STATEMENT_TIMEOUT_S": "20",
        "WEBHOOK_SERVER_STATEMENT_TIMEOUT_S": "17",
        "WEBHOOK_SERVER_LOCK_TIMEOUT_S": "15",
        "WEBHOOK_SERVER_IDLE_IN_TRANSACTION_TIMEOUT_S": "14",
    },
    "deadline.request": {"WEBHOOK_REQUEST_TIMEOUT_S": "50", "WEBHOOK_DRAIN_GRACE_S": "50"},
    "retry.database": {"WEBHOOK_RETRY_DELAY_S": "0.5", "WEBHOOK_RETRY_DELAY_MAX_S": "10"},
    "retry.budget": {"WEBHOOK_RETRY_BUDGET_BURST": "500", "WEBHOOK_RETRY_BUDGET_RATIO": "1"},
    "redis.timeouts": {"WEBHOOK_REDIS_OPERATION_TIMEOUT_S": "0.5"},
    "redis.breaker": {"WEBHOOK_BREAKER_FAILURES": "30"},
    "load.shed": {"WEBHOOK_SHED_WAITING_MAX": "150"},
}
TOO_EAGER: Mapping[str, Mapping[str, str]] = {
    "pool.bounded_checkout": {"WEBHOOK_POOL_TIMEOUT_S": "0.01"},
    "deadline.connect": {"WEBHOOK_CONNECT_TIMEOUT_S": "0.001"},
    "deadline.statement": {
        "WEBHOOK_STATEMENT_TIMEOUT_S": "0.1",
        "WEBHOOK_SERVER_STATEMENT_TIMEOUT_S": "0.09",
        "WEBHOOK_SERVER_LOCK_TIMEOUT_S": "0.08",
        "WEBHOOK_SERVER_IDLE_IN_TRANSACTION_TIMEOUT_S": "0.08",
    },
    "deadline.request": {"WEBHOOK_REQUEST_TIMEOUT_S": "0.1"},
    "retry.database": {"WEBHOOK_RETRY_ATTEMPTS": "1"},
    "retry.budget": {"WEBHOOK_RETRY_BUDGET_BURST": "1", "WEBHOOK_RETRY_BUDGET_RATIO": "0.01"},
    "commit.resolve": {"WEBHOOK_RESOLVE_ATTEMPTS": "1"},
    "redis.timeouts": {"WEBHOOK_REDIS_OPERATION_TIMEOUT_S": "0.0001"},
    "redis.breaker": {"WEBHOOK_BREAKER_FAILURES": "1"},
    "load.shed": {"WEBHOOK_SHED_WAITING_MAX": "1"},
}

# A scenario speaks of a protection by what happens without it. What happens where it acts too soon, or too late, may
# be another's to show.
SHOWN_ELSEWHERE: Mapping[str, Sequence[str]] = {
    "pool.bounded_checkout": ["twenty_copies_at_once[redis-up]"],
    "retry.database": ["no_herd_when_postgres_is_back"],
    "retry.budget": ["all_connections_cut_under_traffic"],
    "commit.resolve": ["no_herd_when_postgres_is_back"],
    "load.shed": ["twenty_copies_at_once[redis-up]"],
}


@dataclass(frozen=True, slots=True)
class Planted:
    """One candidate: which protection is worse, in which way, and the scenarios that are to show it."""

    protection: str
    way: str
    settings: Mapping[str, str]
    scenarios: Sequence[str]

    def __str__(self) -> str:
        """For a test's id."""
        return f"{self.protection} {self.way}"


def all_planted() -> Sequence[Planted]:
    """Every protection that a scenario speaks of: off, and, where it has a limit, too patient and too eager."""
    target = load_target(SCENARIOS / "target.toml").description
    scenarios = collect_scenarios(SCENARIOS, target)
    elsewhere = {name for names in SHOWN_ELSEWHERE.values() for name in names}
    if gone := elsewhere - {scenario.id for scenario in scenarios}:
        raise ValueError(f"no such scenarios: {sorted(gone)}")
    speak: dict[str, list[str]] = {}
    for scenario in scenarios:
        named = {name.partition(":")[0] for proof in scenario.proofs for name in (*proof.protections, *proof.without)}
        for name in named:
            speak.setdefault(name, []).append(scenario.id)
    ways: Sequence[tuple[str, Mapping[str, Mapping[str, str]]]] = (
        ("off", {name: described.off for name, described in target.protections.items()}),
        ("ten times as long", TEN_TIMES_AS_LONG),
        ("too eager", TOO_EAGER),
    )
    return [
        Planted(name, way, settings[name], list(dict.fromkeys([*speak[name], *SHOWN_ELSEWHERE.get(name, ())])))
        for way, settings in ways
        for name in settings
        if name in speak and name in target.protections
    ]


def write_candidate(folder: Path, settings: Mapping[str, str]) -> Path:
    """The webhook's target, its default profile with these settings, in a folder of its own."""
    text = (SCENARIOS / "target.toml").read_text("utf-8")
    text = re.sub(r'^directory = ".*"$', f"directory = {json.dumps(str(CHECKOUT))}", text, count=1, flags=re.MULTILINE)
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items())
    planted = text.replace(
        "[profiles.incident]\n", f"[profiles.hardened.environment]\n{lines}\n[profiles.incident]\n", 1
    )
    if settings and planted == text:
        raise ValueError("the target has no place for settings")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(SCENARIOS / "sender.py", folder)
    file = folder / "candidate.toml"
    file.write_text(planted, "utf-8")
    return file
