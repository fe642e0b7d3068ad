from __future__ import annotations

import pytest

from harness.checks import Verdict
from harness.checks.proof import Proof
from harness.proof.teeth import Teeth, TeethVerdict, proves_alone, teeth_of
from harness.results.ablation import PairVerdict
from tests.proof.made import own, proof, scenario, tried

PING = proof("pool.pre_ping")
RETRY = proof("retry.database")


def verdicts(teeth: Teeth) -> dict[str, TeethVerdict]:
    return {each.name: each.verdict for each in (*teeth.protections, *teeth.scenarios)}


def judged(*, verdict: PairVerdict, protections: tuple[str, ...] = ("pool.pre_ping",), whole: bool = True) -> Teeth:
    return teeth_of(
        [scenario("a", PING)], [own("a")], [tried("a", PING, verdict)], protections=protections, whole=whole
    )


@pytest.mark.parametrize(
    ("verdict", "protection", "of_scenario"),
    [
        (PairVerdict.PROVED, TeethVerdict.PROVED, TeethVerdict.PROVED),
        (PairVerdict.UNPROVED, TeethVerdict.UNPROVED, TeethVerdict.TOOTHLESS),
        (PairVerdict.MISATTRIBUTED, TeethVerdict.UNPROVED, TeethVerdict.TOOTHLESS),
        (PairVerdict.MASKED, TeethVerdict.UNPROVED, TeethVerdict.TOOTHLESS),
        (PairVerdict.INCONCLUSIVE, TeethVerdict.INCONCLUSIVE, TeethVerdict.INCONCLUSIVE),
    ],
)
def test_what_a_pair_says_of_its_protection_and_of_its_scenario(
    verdict: PairVerdict, protection: TeethVerdict, of_scenario: TeethVerdict
) -> None:
    assert verdicts(judged(verdict=verdict)) == {"pool.pre_ping": protection, "a": of_scenario}


def test_one_proof_is_enough() -> None:
    teeth = teeth_of(
        [scenario("a", PING, RETRY)],
        [own("a")],
        [tried("a", PING, PairVerdict.UNPROVED), tried("a", RETRY)],
        protections=["pool.pre_ping", "retry.database"],
        whole=True,
    )
    assert verdicts(teeth) == {
        "pool.pre_ping": TeethVerdict.UNPROVED,
        "retry.database": TeethVerdict.PROVED,
        "a": TeethVerdict.PROVED,
    }
    assert teeth.protections[1].by == ("a: retry.database",)


def test_a_protection_that_no_scenario_names_is_unproved() -> None:
    teeth = judged(verdict=PairVerdict.PROVED, protections=("pool.pre_ping", "retry.jitter"))
    assert [(each.name, each.verdict) for each in teeth.protections][1] == ("retry.jitter", TeethVerdict.UNPROVED)
    (found,) = teeth.findings()
    assert found.sentence == "retry.jitter is unproved: no scenario names it in `proves`"
    assert (found.section, found.kind, found.inconclusive) == ("ablation", "unproved", False)


@pytest.mark.parametrize("about", [proof("load.shed", "pool.pre_ping"), proof("pool.pre_ping:eager")])
def test_taken_away_together_or_in_another_way_it_is_not_proved_by_itself(about: Proof) -> None:
    teeth = teeth_of([scenario("a", about)], [own("a")], [tried("a", about)], protections=["pool.pre_ping"], whole=True)
    assert verdicts(teeth) == {"pool.pre_ping": TeethVerdict.UNPROVED, "a": TeethVerdict.PROVED}
    assert f"a ({about})" in teeth.protections[0].reason


def test_of_a_part_of_the_suite_only_what_it_speaks_of_is_judged() -> None:
    teeth = judged(verdict=PairVerdict.PROVED, protections=("pool.pre_ping", "retry.jitter"), whole=False)
    assert [each.name for each in teeth.protections] == ["pool.pre_ping"]


def test_what_this_machine_cannot_run_is_no_finding() -> None:
    runs = [own("a", Verdict.UNAVAILABLE)]
    teeth = teeth_of([scenario("a", PING)], runs, [], protections=["pool.pre_ping"], whole=True)
    assert verdicts(teeth) == {"pool.pre_ping": TeethVerdict.UNAVAILABLE, "a": TeethVerdict.UNAVAILABLE}
    assert teeth.findings() == []


def test_a_scenario_whose_proofs_were_not_tried_is_not_proved() -> None:
    teeth = teeth_of([scenario("a", PING)], [own("a")], [], protections=["pool.pre_ping"], whole=True)
    assert set(verdicts(teeth).values()) == {TeethVerdict.INCONCLUSIVE}
    assert [found.inconclusive for found in teeth.findings()] == [True, True]


def test_a_proof_speaks_of_one_protection_only_where_it_is_switched_off_alone() -> None:
    assert proves_alone(("a",)) == "a"
    assert proves_alone(("a", "b")) is None
    assert proves_alone(("a:eager",)) is None
    assert proves_alone(()) is None
