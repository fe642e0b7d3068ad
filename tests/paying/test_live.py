"""Real runs of a service that calls others over HTTP and plain TCP: a fault bites, and the service holds or fails."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from harness import Fault, Lab, wire, wrong_length
from harness.checks import Verdict
from harness.engine.laying.testbed import Testbed, open_testbed
from harness.errors import UsageError
from harness.history import History
from harness.history.events import Event, FaultActed, FaultHealed
from harness.protocols.http.server import HttpServer
from harness.stack import StackConfiguration
from harness.target import load_target
from harness.target.sections.effects import EffectDescription
from tests.paying.suite import CHARGE, FAULTS, ledger, payments
from tests.scenario_live.support import Play, Runs, evidence, history_of

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Testbed]:
    target = load_target(HERE / "target.toml")
    with open_testbed(target, StackConfiguration(), logs=tmp_path_factory.mktemp("logs")) as bed:
        yield bed


@pytest.fixture
def runs(bed: Testbed, tmp_path: Path) -> Runs:
    return Runs(bed, tmp_path)


def under(fault: Fault) -> Play:
    async def play(lab: Lab) -> None:
        async with lab.inject(fault):
            await lab.deliver()

    return play


@pytest.mark.parametrize("fault", FAULTS)
def test_a_service_that_tries_again_holds(runs: Runs, fault: Fault) -> None:
    result = runs(under(fault), profile="whole")
    assert result.verdict is Verdict.HELD, result.reason
    assert sum(evidence(result)[repr(fault)].values()) == 1


@pytest.mark.parametrize("fault", FAULTS)
def test_a_service_that_does_not_fails(runs: Runs, fault: Fault) -> None:
    result = runs(under(fault), profile="bare")
    assert (result.verdict, result.failing_checks[:1]) == (Verdict.FAILED, ("outcome",)), result.reason


@pytest.mark.parametrize(
    ("fault", "instead"),
    [
        (wire.cut(payments.answered("POST /refunds")), r"POST /charges"),
        (wire.cut(payments.sent(CHARGE, having="another id")), "no value of it contains b'another id'"),
        (wire.cut(payments.answered(CHARGE, message="Chunk")), "the rule wants message Chunk"),
        (wire.cut(payments.answered(CHARGE), after_bytes=100_000), "it had .* bytes only"),
        (wrong_length(payments.answered("GET /limits"), by=1), "the response announces no length"),
        (wire.cut(ledger.sent(), after_bytes=100_000), r"what fits is under way, and only \d+ bytes of it have come"),
    ],
    ids=lambda value: str(value) if isinstance(value, Fault) else "",
)
def test_a_fault_that_nothing_meets_is_inconclusive(runs: Runs, fault: Fault, instead: str) -> None:
    result = runs(under(fault), profile="whole")
    assert result.verdict is Verdict.INCONCLUSIVE, result.reason
    assert re.search(instead, result.reason), result.reason


@pytest.mark.parametrize(
    ("fault", "arrived"), [(wire.cut(payments.sent(CHARGE)), 1), (wire.cut(payments.answered(CHARGE)), 2)]
)
def test_the_stub_tells_what_has_reached_it(runs: Runs, fault: Fault, arrived: int) -> None:
    result = runs(under(fault), profile="whole")
    history, stub = history_of(result), runs.bed.stack.of(HttpServer, "payments")
    begin, end = (time_of(history, kind) for kind in (FaultActed, FaultHealed))
    charges = [each for each in stub.received() if each.request == CHARGE and begin < each.t_ns < end]
    assert [each.status for each in charges] == [201] * arrived


CALLS = '^POST /charges .*"id": *"(?P<id>[^"]*)"'


@pytest.mark.parametrize(
    ("calls", "exists", "problem"),
    [
        (CALLS, "at least", ""),
        (CALLS, "exactly", "charged more than once: msg_"),
        (CALLS.replace("charges", "refunds"), "at least", "stored without charged: msg_"),
    ],
)
def test_a_call_is_an_effect_of_its_delivery(runs: Runs, calls: str, exists: str, problem: str) -> None:
    described = runs.bed.target.description
    charged = EffectDescription.model_validate({"link": "payments", "calls": calls, "exists": exists})
    target = replace(runs.bed.target, description=described.model_copy(update={"effects": {"charged": charged}}))
    result = runs.on(target=target)(under(wire.cut(payments.answered(CHARGE))), profile="whole")
    assert result.failing_checks == (("effects_agree",) if problem else ()), result.reason
    assert problem in result.reason


@pytest.mark.parametrize("by", ["payments", "http"])
def test_a_server_by_url_tells_no_calls_so_such_an_effect_is_refused(tmp_path: Path, by: str) -> None:
    """Before anything runs: nothing listens at that address."""
    document = (HERE / "target.toml").read_text("utf-8")
    file = tmp_path / "target.toml"
    file.write_text(f"{document}\n[effects.charged]\nlink = 'payments'\ncalls = '{CALLS}'\n", "utf-8")
    configuration = StackConfiguration(servers={by: "http://me:secret@127.0.0.1:1"})
    with (
        pytest.raises(UsageError, match=r"\[effects.charged\]: link = 'payments': .*me:\*\*\*@127.0.0.1:1, and only"),
        open_testbed(load_target(file), configuration, logs=tmp_path / "logs"),
    ):
        pass


def time_of(history: History, kind: type[Event]) -> int:
    return next(entry.t_ns for entry in history.entries if isinstance(entry.event, kind))
