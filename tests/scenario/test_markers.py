"""What a proof says, and how it is written."""

from __future__ import annotations

import pytest

from harness import needs, proves
from harness.checks.proof import Proof


def test_proves_carries_a_proof() -> None:
    marker = proves("pool.pre_ping", "retry.database", fails="outcome", match="closed", without=("load.shed",))
    assert marker.mark.name == "proves"
    assert marker.mark.args == (
        Proof(protections=("pool.pre_ping", "retry.database"), fails="outcome", match="closed", without=("load.shed",)),
    )


def test_stacked_markers_are_separate_proofs() -> None:
    @proves("a", fails="stored_once")
    @proves("b", fails="stored_once")
    def function() -> None: ...

    found = [mark.args[0].protections for mark in function.pytestmark]  # type: ignore[attr-defined]  # pytest's own
    assert sorted(found) == [("a",), ("b",)]


@pytest.mark.parametrize(
    ("proof", "name"),
    [
        (Proof(protections=("a",), fails="figure"), "a"),
        (Proof(protections=("a", "b:eager"), fails="figure"), "a+b:eager"),
        (Proof(protections=(), fails="figure", under="incident"), "under incident"),
        (Proof(protections=("a",), fails="figure", under="incident"), "a under incident"),
    ],
)
def test_a_proof_has_a_name(proof: Proof, name: str) -> None:
    assert str(proof) == name


def test_needs_says_what_the_machine_must_have() -> None:
    assert needs("seccomp", "own_redis").mark.args == ("seccomp", "own_redis")
