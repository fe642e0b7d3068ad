"""From a line of a log to the fault that makes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import link, postgres, redis, wire
from harness.checks.proof import Proof
from harness.demo import SCENARIOS
from harness.drafting import Clue, clues, draft_of
from harness.scenario.lab import Lab
from harness.scenario.scenario import Scenario
from harness.target import Target, load_target
from tests.tiny import CHECKOUT, run_harness, write_suite


@pytest.fixture(scope="module")
def target() -> Target:
    return load_target(SCENARIOS / "target.toml")


def scenario(name: str, match: str) -> Scenario:
    async def play(lab: Lab) -> None:
        del lab

    proof = Proof(protections=("any",), fails="outcome", match=match)
    return Scenario(id=name, theme="any", play=play, proofs=(proof,))


def only(line: str, target: Target, *scenarios: Scenario) -> Clue:
    [clue] = clues(["INFO started", line, "INFO ended"], target, scenarios)
    assert clue.number == 2
    return clue


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("redis.exceptions.ConnectionError: Error 22 connecting to cache:6379. Invalid argument.",
         "syscall.connect(redis, errno='EINVAL')"),
        ("OSError: [Errno 24] Too many open files (postgres)", "syscall.connect(postgres, errno='EMFILE')"),
        ("dial tcp 10.0.0.5:5432: connect: connection refused", "syscall.connect(postgres, errno='ECONNREFUSED')"),
        ("SerializationError: could not serialize access due to concurrent update",
         "wire.fail(postgres.sent('INSERT'), code='40001')"),
        ("ERROR: 57P01 (postgres)", "wire.fail(postgres.sent('INSERT'), code='57P01', fatal=True)"),
        ("FATAL: sorry, too many clients already",
         "wire.fail(postgres.sent(message='StartupMessage'), code='53300', fatal=True)"),
        ("Redis: READONLY You can't write against a read only replica",
         "wire.fail(redis.sent('SET'), code='READONLY')"),
        ("server closed the connection unexpectedly", "wire.cut(postgres.answered('INSERT'))"),
        ("redis: connection to 10.0.0.5 was lost", "wire.cut(redis.answered('SET'))"),
        ("Timeout reading from redis:6379", "link.swallow(redis)"),
    ],
)  # fmt: skip
def test_a_line_leads_to_its_fault_and_link(target: Target, line: str, fault: str) -> None:
    example = only(line, target).example
    assert example is not None
    assert repr(example.fault) == fault


def test_a_line_that_tells_nothing_is_left_out(target: Target) -> None:
    assert clues(["INFO 200 OK in 12 ms", "order 40001x was stored", ""], target, []) == []


def test_a_scenario_whose_proof_knows_the_line_covers_it(target: Target) -> None:
    knows, other = scenario("knows", "could not serialize"), scenario("other", "connection is closed")
    clue = only("could not serialize access due to concurrent update", target, knows, other)
    assert clue.covered_by == ("knows",)
    assert only("strange words", target, scenario("knows", "strange")).example is None


async def loses_an_answer(lab: Lab) -> None:
    async with lab.inject(wire.cut(postgres.answered("INSERT"))):
        await lab.deliver()


async def is_refused(lab: Lab) -> None:
    await lab.inject(link.down(redis))


def test_a_scenario_that_injects_the_fault_covers_it_without_a_proof(target: Target) -> None:
    written = [
        Scenario(id=each.__name__, theme="any", play=each, function=each) for each in (loses_an_answer, is_refused)
    ]
    assert only("the connection was closed", target, *written).covered_by == ("loses_an_answer",)
    assert only("Error 111 connecting to redis:6379", target, *written).covered_by == ("is_refused",)
    assert only("Error 22 connecting to redis:6379", target, *written).covered_by == ()


def test_of_lines_that_one_fault_makes_the_first_is_told(target: Target) -> None:
    found = clues(["redis: timed out", "redis: time-out of 5 s", "postgres timeout"], target, [])
    assert [clue.number for clue in found] == [1, 3]


def test_a_word_of_another_link_hides_no_fault() -> None:
    """The webhook has a link that is called replica, and Redis' own error has the word in it."""
    ours = load_target(CHECKOUT / "scenarios" / "target.toml")
    clue = only("redis READONLY You can't write against a read only replica", ours)
    assert clue.link is not None
    assert clue.link.name == "redis"


def test_what_is_found_is_drafted(target: Target) -> None:
    clue = only("Error 22 connecting to redis:6379", target)
    assert clue.example is not None
    assert clue.link is not None
    text = draft_of("night", target, clue.example, clue.link, None).text
    assert 'async with lab.inject(syscall.connect(redis, errno="EINVAL"), link.cut(redis)):' in text
    assert "proves" not in text


def test_the_verb_tells_the_clues_and_writes_the_first_that_no_scenario_has(tmp_path: Path) -> None:
    suite = write_suite(tmp_path)
    (suite / "a.log").write_text("the connection was lost\nOSError: [Errno 22] connecting to postgres\n", "utf-8")
    process = run_harness("new", "night", "--from-log", "a.log", cwd=suite)
    assert process.returncode == 0, process.stderr
    assert "line 1: the connection was lost\n" in process.stdout
    assert "covered  by cut, too_much_asked, never_felt and 2 more" in process.stdout
    assert "scenarios/night.py: syscall.connect on postgres, to prove retry" in process.stdout
    gone = run_harness("new", "other", "--from-log", "gone.log", cwd=suite)
    assert gone.returncode == 4
    assert "--from-log = 'gone.log': " in gone.stderr
    refused = run_harness("new", "other", "--from-log", "a.log", "--fault", "link.cut", cwd=suite)
    assert refused.returncode == 4
    assert "--fault = 'link.cut': the log says which" in refused.stderr
