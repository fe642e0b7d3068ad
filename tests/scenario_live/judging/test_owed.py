"""What a service owes beside its answers: side effects, and no residue in its process, whatever its language."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from harness import ANY_OUTCOME, Lab, no_fault, postgres, service, wire
from harness.checks import Verdict
from harness.target import Target
from harness.target.description import HttpTemplate, TargetDescription
from harness.target.sender import TemplateSender
from tests.scenario_live.support import Runs

KEEPING: Mapping[str, Any] = {
    "schema": "harness.target/2",
    "name": "keeping",
    "service": {
        "command": ["{python}", "-m", "tests.scenario_live.keeping", "{service.port}"],
        "directory": "..",
        "environment": {"DATABASE_URL": "{postgres.url}"},
        "alive": "/alive",
        "unhandled": "^Traceback",
    },
    "links": {"postgres": {"protocol": "postgres"}},
    "sender": {"http": {"path": "/{id}"}},
    "stored": {"sql": "SELECT id, digest FROM kept"},
    "effects": {"outbox": {"sql": "SELECT id FROM outbox"}},
    "limits": {"request_deadline_ms": 6000, "connections": 10, "body_bytes": 2000, "recovery_s": 1.5},
}


def keeping(target: Target, environment: Mapping[str, str] | None = None, **changes: Any) -> Target:
    """The service of `keeping`. `changes`: other tables of its target."""
    document = {**KEEPING, **changes}
    described = {**KEEPING["service"], **document["service"]}
    described["environment"] = {**described["environment"], **(environment or {})}
    description = TargetDescription.model_validate({**document, "service": described})
    sender = TemplateSender(HttpTemplate.model_validate(document["sender"]["http"]))
    return dataclasses.replace(target, description=description, sender=sender)


IN_DOUBT = {"unknown": {"status": ["503"]}, "refused": {"status": ["429"]}, "throttled": {"status": ["420"]}}


@pytest.mark.parametrize(
    ("outbox", "cut_at", "problem"),
    [
        ("together", "COMMIT", ""),
        ("together", "INSERT INTO outbox", ""),
        ("apart", "INSERT INTO outbox", "stored without outbox: msg_"),
        ("before", "INSERT INTO kept", "outbox of deliveries that are not stored: msg_"),
    ],
)
def test_a_side_effect_exists_exactly_when_its_delivery_is_stored(
    runs: Runs, outbox: str, cut_at: str, problem: str
) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(wire.cut(postgres.sent(cut_at))):
            await lab.deliver(expect=ANY_OUTCOME)

    result = runs.on(target=keeping(runs.bed.target, {"OUTBOX": outbox}, outcomes=IN_DOUBT))(play)

    assert result.verdict is (Verdict.FAILED if problem else Verdict.HELD), result.reason
    assert result.failing_checks == (("effects_agree",) if problem else ())
    assert problem in result.reason


LATER = "SELECT id FROM outbox WHERE nextval('asked') > 2"
"""The rows exist for whoever asks a third time: what a worker makes later."""


@pytest.mark.parametrize(("within_ms", "problem"), [(None, "stored without outbox: msg_"), (60_000.0, "")])
def test_an_effect_that_a_worker_makes_later_is_waited_for(runs: Runs, within_ms: float | None, problem: str) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver()

    later = {"sql": LATER, **({} if within_ms is None else {"within_ms": within_ms})}
    result = runs.on(target=keeping(runs.bed.target, effects={"outbox": later}))(play)

    assert result.failing_checks == (("effects_agree",) if problem else ()), result.reason
    assert problem in result.reason


def test_an_effect_may_be_left_over_where_the_target_allows_it(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(wire.cut(postgres.sent("INSERT INTO kept"))):
            await lab.deliver(expect=ANY_OUTCOME)

    at_least = {"outbox": {"sql": "SELECT id FROM outbox", "exists": "at least"}}
    target = keeping(runs.bed.target, {"OUTBOX": "before"}, outcomes=IN_DOUBT, effects=at_least)
    assert runs.on(target=target)(play).verdict is Verdict.HELD


@pytest.mark.parametrize(
    ("keeps", "problem"),
    [
        ("nothing", ""),
        ("descriptors", "open descriptors stay at "),
        ("threads", "threads stay at "),
        ("processes", "child processes stay at "),
        ("files", "files stay at "),
    ],
)
def test_what_each_request_leaves_in_the_process_is_found(runs: Runs, tmp_path: Path, keeps: str, problem: str) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver(40)

    folder = tmp_path / "spool"
    folder.mkdir()
    described = {"folders": [str(folder)]}
    target = keeping(runs.bed.target, {"KEEPS": keeps, "FILES": str(folder)}, service=described)
    result = runs.on(target=target)(play)

    assert result.verdict is (Verdict.FAILED if problem else Verdict.HELD), result.reason
    assert result.failing_checks == (("leaves_nothing",) if problem else ())
    assert problem in result.reason


@pytest.mark.parametrize(("keepalive", "verdict"), [("on", Verdict.HELD), ("off", Verdict.FAILED)])
def test_connections_without_keepalive_are_found(runs: Runs, keepalive: str, verdict: Verdict) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver()

    described = runs.bed.target.description
    environment = {**described.service.environment, "WEBHOOK_POOL_KEEPALIVE": keepalive}
    service = described.service.model_copy(update={"environment": environment})
    links = {**described.links, "postgres": described.links["postgres"].model_copy(update={"keepalive": True})}
    changed = described.model_copy(update={"service": service, "links": links})
    result = runs.on(target=dataclasses.replace(runs.bed.target, description=changed))(play)

    assert result.verdict is verdict, result.reason
    assert ("connections without keepalive: postgres stay at 5, at most 0" in result.reason) is (keepalive == "off")


@pytest.mark.parametrize(
    ("keeps", "requests", "residue", "problem"),
    [
        ("nothing", 420, {"deliveries remembered": 50}, ""),
        ("ids", 420, {"deliveries remembered": 50}, "deliveries remembered stay at 100, at most 50"),
        ("bodies", 920, {"bytes per request": 4_000}, "bytes per request stay at "),
    ],
)
def test_what_stays_in_memory_is_found(
    runs: Runs, keeps: str, requests: int, residue: Mapping[str, int], problem: str
) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        async with lab.traffic(clients=4, small=True):
            await lab.until(service.answers(at_least=requests), within_s=100)

    result = runs.on(target=keeping(runs.bed.target, {"KEEPS": keeps}, residue=residue))(play)

    assert result.verdict is (Verdict.FAILED if problem else Verdict.HELD), result.reason
    assert problem in result.reason


BY_UUID = {
    "sender": {"http": {"path": "/{uuid}"}},
    "reads": {"kept": {"path": "/kept/{uuid}", "shows": r" (?P<digest>\S+)$"}},
    "stored": {"sql": "SELECT id::uuid, digest FROM kept"},
    "effects": {"outbox": {"sql": "SELECT id::uuid AS id FROM outbox"}},
}

BY_NUMBER = {
    "sender": {"http": {"path": "/{number}"}},
    "reads": {"kept": {"path": "/kept/{number}", "shows": r" (?P<digest>\S+)$"}},
    "stored": {"sql": "SELECT id::bigint, digest FROM kept"},
    "effects": {"outbox": {"sql": "SELECT id::bigint AS id FROM outbox"}},
}


@pytest.mark.parametrize(
    ("store", "listed", "failing"),
    [
        ("yes", BY_NUMBER, ()),
        ("other", BY_NUMBER, ("nothing_foreign",)),
        ("yes", {}, ()),
        ("yes", {"stored": {"listed": {"path": "/kept", "each": r"(?m)^(?P<id>\S+) (?P<digest>\S+)$"}}}, ()),
        ("other", {}, ("nothing_foreign",)),
    ],
)
def test_a_service_that_takes_only_uuids_or_numbers_is_judged_by_what_it_stored_under_them(
    runs: Runs, store: str, listed: Mapping[str, Any], failing: tuple[str, ...]
) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(wire.cut(postgres.answered("COMMIT"))):
            await lab.deliver(2, expect=ANY_OUTCOME)

    target = keeping(runs.bed.target, {"STORE": store}, outcomes=IN_DOUBT, **{**BY_UUID, **listed})
    result = runs.on(target=target)(play)

    assert set(failing) <= set(result.failing_checks), result.reason
    assert failing or result.verdict is Verdict.HELD, result.reason


LISTED = {"listed": {"path": "/kept", "each": r"(?m)^(?P<id>\S+) (?P<digest>\S+)$"}}
IDS = {"listed": {"path": "/kept", "each": r"(?m)^(?P<id>\S+) "}, "digests": False}
READ = {"reads": {"kept": {"path": "/kept/{id}", "shows": r" (?P<digest>\S+)$"}}, "stored": {"read": "kept"}}


@pytest.mark.parametrize("changes", [{"stored": LISTED}, READ], ids=["listed", "read"])
@pytest.mark.parametrize(
    ("store", "verdict", "failing"),
    [("yes", Verdict.HELD, ""), ("no", Verdict.FAILED, "acknowledged_is_stored"), ("other", Verdict.FAILED, "foreign")],
)
def test_a_service_is_judged_by_what_it_lists_itself(
    runs: Runs, changes: Mapping[str, Any], store: str, verdict: Verdict, failing: str
) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver(3)

    target = keeping(runs.bed.target, {"STORE": store}, **{**changes, "effects": {}})
    result = runs.on(target=target)(play)

    assert result.verdict is verdict, result.reason
    assert any(failing in each for each in result.failing_checks) == bool(failing)


@pytest.mark.parametrize(("store", "verdict"), [("no", Verdict.FAILED), ("other", Verdict.HELD)])
def test_a_list_of_ids_alone_tells_what_is_stored_and_nothing_of_its_body(
    runs: Runs, store: str, verdict: Verdict
) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver(3)

    result = runs.on(target=keeping(runs.bed.target, {"STORE": store}, stored=IDS, effects={}))(play)

    assert (result.verdict, "acknowledged, but not stored" in result.reason) == (verdict, store == "no"), result.reason


def test_a_service_that_does_not_say_what_it_has_stored_is_not_held(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver()

    nowhere = {"listed": {**LISTED["listed"], "path": "/nowhere"}}
    result = runs.on(target=keeping(runs.bed.target, stored=nowhere, effects={}))(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason == "what is stored was not read: /nowhere, which lists what is stored, got status 404"
