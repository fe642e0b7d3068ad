"""Services of other people are held as they are, if their target describes what they owe."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from harness import Lab, no_fault, process
from harness.checks import Verdict
from harness.history.events import RequestSent, RowsRead
from harness.target import Target
from harness.target.sections.outcomes import OutcomeDescription
from harness.target.sections.service_log import LogDescription
from tests.scenario_live.support import Runs, history_of

ALREADY = OutcomeDescription(status=["400"], body="already known")


def queueing(target: Target, *, within_ms: float, already: OutcomeDescription | None = ALREADY) -> Target:
    """The service of `queueing`, and what it owes: less than the webhook service."""
    given = target.description
    environment: Mapping[str, str] = {"DATABASE_URL": given.service.environment["DATABASE_URL"], "DELAY_S": "0.15"}
    command = ["{python}", "-m", "tests.scenario_live.queueing", "{service.port}"]
    changed = {
        "service": given.service.model_copy(
            update={"command": command, "environment": environment, "listening": None, "ready": None, "preload": []}
        ),
        "stored": given.stored.model_copy(update={"sources": False, "within_ms": within_ms}),
        "outcomes": given.outcomes.model_copy(
            update={"already": already, "acknowledged": OutcomeDescription(status=["2xx"])}
        ),
        "contract": given.contract.model_copy(update={"taken_id": None, "repeat_is_same": False, "openapi": None}),
        "limits": given.limits.model_copy(update={"request_deadline_ms": None, "backlog": None}),
        "reads": {},
        "wrong": {},
        "identities": {},
        "residue": {},
        "log": LogDescription(),
        "probes": None,
    }
    return dataclasses.replace(target, description=given.model_copy(update=changed))


async def _healthy(lab: Lab) -> None:
    await lab.inject(no_fault)
    await lab.deliver(3, copies=2)


async def _terminated(lab: Lab) -> None:
    await lab.deliver()
    async with lab.inject(process.terminate()):
        pass


def test_a_service_that_answers_first_and_stores_later_is_held(runs: Runs) -> None:
    result = runs.on(target=queueing(runs.bed.target, within_ms=20_000))(_healthy)
    assert (result.verdict, result.reason) == (Verdict.HELD, "")


def test_rows_without_a_digest_are_known_by_their_ids(runs: Runs) -> None:
    target = queueing(runs.bed.target, within_ms=20_000)
    ids = target.description.stored.model_copy(update={"digests": False})
    known = dataclasses.replace(target, description=target.description.model_copy(update={"stored": ids}))
    result = runs.on(target=known)(_healthy)
    assert (result.verdict, result.reason) == (Verdict.HELD, "")
    sent = {each.delivery: each.digest for each in history_of(result).of(RequestSent)}
    rows = [row for read in history_of(result).of(RowsRead) for row in read.rows]
    assert rows
    assert all(row.digest == sent[row.id] for row in rows)


def test_a_row_without_a_digest_that_was_never_sent_is_foreign(runs: Runs) -> None:
    target = queueing(runs.bed.target, within_ms=20_000)
    ids = target.description.stored.model_copy(
        update={"digests": False, "sql": f"{target.description.stored.sql} UNION ALL SELECT 'nobody', 'x', 'y'"}
    )
    known = dataclasses.replace(target, description=target.description.model_copy(update={"stored": ids}))
    result = runs.on(target=known)(_healthy)
    assert "nothing_foreign" in result.failing_checks, result.reason


def test_what_is_stored_too_late_is_lost(runs: Runs) -> None:
    result = runs.on(target=queueing(runs.bed.target, within_ms=0))(_healthy)
    assert result.verdict is Verdict.FAILED
    assert result.failing_checks[0] == "acknowledged_is_stored"


def test_a_repeat_that_is_answered_already_needs_a_word_of_the_target(runs: Runs) -> None:
    result = runs.on(target=queueing(runs.bed.target, within_ms=20_000, already=None))(_healthy)
    assert result.verdict is Verdict.FAILED
    assert {"valid_is_not_rejected", "never_denied"} <= set(result.failing_checks)


def test_a_queue_in_memory_is_lost_with_its_service(runs: Runs) -> None:
    """That the signal ends it is no failure of its own: every request had its answer."""
    result = runs.on(target=queueing(runs.bed.target, within_ms=300))(_terminated)
    assert result.verdict is Verdict.FAILED
    assert "acknowledged_is_stored" in result.failing_checks
    assert "drains" not in result.failing_checks
