"""A service that speaks TLS on its links: faults bite as they do without, and one that does not is told so."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
import trustme

from harness import ACKNOWLEDGED, REFUSED, Lab, Link, Outcome, link, names, postgres, process, redis, wire
from harness.checks import Verdict
from harness.engine.laying.testbed import open_testbed
from harness.history.events import EvidenceSeen
from harness.relay.hop.handshakes import How
from harness.results import RunResult
from harness.stack import StackConfiguration
from harness.target import Target, load_target
from tests.scenario_live.support import Runs, evidence, history_of, left_over, limited
from tests.tiny import write_suite

ENCRYPTED = {
    "DATABASE_URL": "{postgres.url}?sslmode=verify-full&sslrootcert={postgres.ca_file}",
    "REDIS_URL": "{redis.url}?ssl_ca_certs={redis.ca_file}",
}


def in_tls(target: Target, **environment: str) -> Target:
    """The same service, all of whose links speak TLS."""
    description = target.description
    links = {name: each.model_copy(update={"tls": True}) for name, each in description.links.items()}
    changed = {**description.service.environment, **environment}
    service = description.service.model_copy(update={"environment": changed})
    return dataclasses.replace(target, description=description.model_copy(update={"links": links, "service": service}))


def test_both_servers_faults_bite_within_tls(runs: Runs) -> None:
    """The webhook verifies PostgreSQL's certificate and Redis's."""
    in_flight, unanswered = wire.cut(postgres.sent("INSERT")), wire.cut(postgres.answered("COMMIT"))
    reply_lost, cut = wire.cut(redis.answered("SET"), after_bytes=2), link.cut(redis)

    async def play(lab: Lab) -> None:
        for fault in (cut, in_flight, unanswered, reply_lost):
            async with lab.inject(fault):
                await lab.deliver()

    # redis-py reads the system's certificates for each connection: five at once are more than it has time for.
    target = in_tls(runs.bed.target, **ENCRYPTED, WEBHOOK_REDIS_OPERATION_TIMEOUT_S="2")
    result = runs.on(target=target)(play)

    assert result.verdict is Verdict.HELD, result.reason
    cuts = {repr(fault): {"wire_cut": 1} for fault in (in_flight, unanswered, reply_lost)}
    assert evidence(result) == {repr(cut): {"connections_cut": 1}, **cuts}


def test_a_redis_that_the_service_can_do_without_has_to_be_there(runs: Runs, others: Path) -> None:
    settings = {**ENCRYPTED, "REDIS_URL": f"{{redis.url}}?ssl_ca_certs={others}"}

    async def play(lab: Lab) -> None:
        await lab.deliver()

    result = runs.on(target=limited(in_tls(runs.bed.target, **settings), recovery_s=0.5))(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert re.search(r"redis: \d+ connections failed: TLS was not agreed: ", result.reason), result.reason
    assert "tls = true: have the service speak TLS there, and trust {redis.ca_file}" in result.reason


@pytest.fixture
def others(tmp_path: Path) -> Path:
    """The certificate of another authority."""
    file = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(file))
    return file


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    """Runs of the tiny service, whose description asks for TLS: its `prepare` verifies, too."""
    folder = tmp_path_factory.mktemp("tiny")
    file = write_suite(folder) / "scenarios" / "target.toml"
    text = file.read_text("utf-8")
    for old, new in (('"{postgres.url}"', f'"{ENCRYPTED["DATABASE_URL"]}"'), ('"postgres"', '"postgres"\ntls = true')):
        assert old in text
        text = text.replace(old, new)
    file.write_text(text, "utf-8")
    with open_testbed(load_target(file), StackConfiguration(), logs=folder / "logs") as bed:
        yield Runs(bed, folder)
        assert left_over(bed) == []


@pytest.mark.parametrize(
    ("profile", "verdict", "failing"),
    [("whole", Verdict.HELD, ()), ("bare", Verdict.FAILED, ("outcome",))],
)
def test_a_query_is_cut_within_tls(tiny: Runs, profile: str, verdict: Verdict, failing: tuple[str, ...]) -> None:
    cut = wire.cut(postgres.sent("INSERT"), after_bytes=7)

    async def play(lab: Lab) -> None:
        async with lab.inject(cut):
            await lab.deliver()

    result = tiny(play, profile=profile)

    assert (result.verdict, result.failing_checks) == (verdict, failing), result.reason
    assert evidence(result) == {repr(cut): {"wire_cut": 1}}


def test_a_service_that_begins_with_tls_meets_the_same(tiny: Runs) -> None:
    """Direct TLS: nobody asks, so that there is nothing to decline, and the connection is closed instead."""
    hows: tuple[How, ...] = ("declined", "garbage", "cut_in_answer", "garbled", "other_name")
    cut, troubles = wire.cut(postgres.sent("INSERT")), [link.handshake(postgres, how=how) for how in hows]

    async def play(lab: Lab) -> None:
        for trouble in troubles:
            await lab.deliver()
            async with lab.inject(trouble, link.cut(postgres)):
                await lab.deliver(expect=REFUSED)
        async with lab.inject(cut):
            await lab.deliver()

    direct = f"{ENCRYPTED['DATABASE_URL']}&sslnegotiation=direct"
    result = tiny.on(target=in_tls(tiny.bed.target, DATABASE_URL=direct))(play, profile="whole")

    assert result.verdict is Verdict.HELD, result.reason
    found = evidence(result)
    assert [found[repr(trouble)] for trouble in troubles] == [{"handshake_met": 1}] * len(hows)
    assert found[repr(cut)] == {"wire_cut": 1}


def test_links_break_as_they_do_without_tls(tiny: Runs) -> None:
    down, slow = link.down(postgres), link.latency(postgres, latency_ms=20)
    sliced = link.slicer(postgres, stream="downstream", average_bytes=20)

    async def play(lab: Lab) -> None:
        async with lab.inject(down):
            await lab.deliver(expect=REFUSED)
        async with lab.inject(slow, sliced):
            await lab.deliver()

    result = tiny(play, profile="whole")

    assert result.verdict is Verdict.HELD, result.reason
    expected = {down: ("connections_cut", "connects_refused"), slow: ("toxic_met",), sliced: ("toxic_met",)}
    assert evidence(result) == {repr(fault): dict.fromkeys(kinds, 1) for fault, kinds in expected.items()}


def test_what_tls_adds_is_no_data(tiny: Runs) -> None:
    """Toxiproxy carries what was said, not the records: a handshake is a thousand bytes that it never saw."""
    much = link.slicer(postgres, stream="downstream", average_bytes=800)

    async def play(lab: Lab) -> None:
        await lab.inject(link.cut(postgres))
        async with lab.inject(much):
            await lab.deliver()

    result = tiny(play, profile="whole")

    assert result.verdict is Verdict.INCONCLUSIVE
    assert result.reason.startswith(f"{much!r} left no evidence")


def test_a_wrong_address_takes_the_place_of_all_that_was_there(tiny: Runs) -> None:
    wrong = process.misconfigure(postgres, url="postgresql://127.0.0.1:1/none")

    async def play(lab: Lab) -> None:
        async with lab.inject(wrong):
            await lab.deliver(expect=REFUSED)

    result = tiny(play, profile="whole")

    assert result.verdict is Verdict.HELD, result.reason
    assert set(evidence(result)[repr(wrong)]) == {"wrong_address_dialled"}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("sslmode=disable", "the service did not ask for TLS, which this link requires"),
        ("sslmode=verify-full&sslrootcert={others}", "TLS was not agreed: "),
    ],
    ids=["plain", "trusts another"],
)
def test_a_service_that_cannot_agree_on_tls_is_told_so(tiny: Runs, others: Path, options: str, told: str) -> None:
    url = "{postgres.url}?" + options.replace("{others}", str(others))

    async def play(lab: Lab) -> None:
        await lab.deliver()

    result = tiny.on(target=limited(in_tls(tiny.bed.target, DATABASE_URL=url), recovery_s=0.5))(play, profile="whole")

    assert result.verdict is Verdict.INCONCLUSIVE
    assert re.search(rf"postgres: \d+ connections failed: {told}", result.reason), result.reason
    assert "tls = true: have the service speak TLS there, and trust {postgres.ca_file}" in result.reason


HOWS: tuple[How, ...] = get_args(How)


@pytest.mark.parametrize(("at", "expect"), [(postgres, REFUSED), (redis, ACKNOWLEDGED)])
def test_a_handshake_goes_wrong_and_the_service_uses_nothing_that_it_cannot_verify(
    runs: Runs, at: Link, expect: Outcome
) -> None:
    faults = [link.handshake(at, how=how) for how in HOWS]

    async def play(lab: Lab) -> None:
        for fault in faults:
            await lab.deliver()
            async with lab.inject(fault, link.cut(at)):
                await lab.deliver(expect=expect)

    times = {"WEBHOOK_CONNECT_TIMEOUT_S": "0.5", "WEBHOOK_REDIS_OPERATION_TIMEOUT_S": "1"}
    result = runs.on(target=in_tls(runs.bed.target, **ENCRYPTED, **times))(play)

    assert result.verdict is Verdict.HELD, result.reason
    met = {repr(fault): {"handshake_met": 1} for fault in faults}
    assert evidence(result) == {**met, repr(link.cut(at)): {"connections_cut": len(faults)}}
    assert not [detail for detail in _handshakes(result) if detail.endswith(", 0 failed")]


def test_a_service_that_does_not_verify_fails(runs: Runs) -> None:
    """It takes any certificate: the evidence tells that no handshake failed."""

    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(link.handshake(postgres, how="other_authority"), link.cut(postgres)):
            await lab.deliver(expect=REFUSED)

    careless = {**ENCRYPTED, "DATABASE_URL": "{postgres.url}?sslmode=require"}
    result = runs.on(target=in_tls(runs.bed.target, **careless))(play)

    assert result.verdict is Verdict.FAILED, result.reason
    assert "outcome" in result.failing_checks
    assert [detail.endswith(", 0 failed") for detail in _handshakes(result)] == [True]


def _handshakes(result: RunResult) -> list[str]:
    return [seen.detail for seen in history_of(result).of(EvidenceSeen) if seen.what == "handshake_met"]


def test_no_handshake_is_no_evidence_and_without_tls_there_is_none(runs: Runs) -> None:
    fault = link.handshake(redis, how="cut")

    async def quiet(lab: Lab) -> None:
        async with lab.inject(fault):
            pass
        await lab.deliver()

    within = runs.on(target=in_tls(runs.bed.target, **ENCRYPTED))(quiet)
    without = runs(quiet)

    assert within.reason == f"{fault!r} left no evidence that the service felt it"
    assert "link.handshake: link = 'redis': this link speaks no TLS" in without.reason
    assert {within.verdict, without.verdict} == {Verdict.INCONCLUSIVE}


def test_a_certificate_is_verified_by_name(runs: Runs) -> None:
    """The links' names are looked up, and the certificate holds them."""
    named = {name: text.replace(".url}", ".named_url}") for name, text in ENCRYPTED.items()}
    missing = names.nxdomain(postgres)

    async def play(lab: Lab) -> None:
        await lab.deliver()
        async with lab.inject(missing, link.cut(postgres)):
            await lab.deliver()

    # The first five handshakes of a process take longer than the service waits for a name, where cores are missing.
    calm = {"WEBHOOK_REDIS_OPERATION_TIMEOUT_S": "2", "WEBHOOK_NAMES_TIMEOUT_S": "3"}
    result = runs.on(target=in_tls(runs.bed.target, **named, **calm))(play)

    assert result.verdict is Verdict.HELD, result.reason
    assert evidence(result)[repr(missing)] == {"name_looked_up": 1}
