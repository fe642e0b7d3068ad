from __future__ import annotations

from harness.checks import Verdict
from harness.compare.record import not_tried, record_of
from harness.results import Evidence, RunKey
from harness.results.ablation import PairVerdict
from tests.proof.made import own, proof, read_of, tried
from tests.results.made import ablated, made

PING = proof("pool.pre_ping")
BOTH = proof("load.shed", "pool.pre_ping")


def test_what_a_run_wrote_is_read_back() -> None:
    evidence = (Evidence("b", "s", 1, ""), Evidence("a", "s", 2, ""), Evidence("b", "s", 3, ""))
    figures = {"healthy_ms": 4.0, "slowest_ms": 40.0, "recovery_ms": 8.0}
    record = record_of(
        read_of(own("a", evidence=evidence, figures=figures), proofs=[tried("a", PING), tried("a", BOTH)]), {"a": "0f"}
    )
    one = record.scenarios["a"]
    assert (one.verdict, one.evidence, one.source) == (Verdict.HELD, ("a", "b"), "0f")
    assert (one.speed.healthy_ms, one.speed.worst_ms, one.speed.recovery_ms) == (4.0, 40.0, 8.0)
    assert one.proofs == {"pool.pre_ping": PairVerdict.PROVED, "load.shed+pool.pre_ping": PairVerdict.PROVED}
    assert record.protections == {"pool.pre_ping": ("a",)}, "two together prove neither"


def test_what_is_not_proved_has_no_prover() -> None:
    assert record_of(read_of(own("a"), proofs=[tried("a", PING, PairVerdict.MASKED)])).protections == {}


def test_only_a_scenarios_own_runs_count_and_the_worst_of_them() -> None:
    others = [ablated(Verdict.HELD), made(Verdict.HELD, key=RunKey("b", "incident")), made(role="control")]
    summary = read_of(made(Verdict.FAILED), made(Verdict.HELD), made(Verdict.INCONCLUSIVE), *others)
    assert {name: one.verdict for name, one in record_of(summary).scenarios.items()} == {
        "idle_pool_cut": Verdict.FAILED
    }


def test_proofs_that_were_not_tried_are_named() -> None:
    record = record_of(read_of(own("a"), own("c", Verdict.UNAVAILABLE), proofs=[tried("a", PING)]))
    titles = {"c": ["z"], "a": ["pool.pre_ping", "x"], "b": ["y"]}
    assert list(not_tried(record, titles)) == ["a: x", "b: y"], "c cannot be run here"
