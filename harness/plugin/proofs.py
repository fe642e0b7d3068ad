"""Checks a scenario's marks, `proves`, `needs` and `nightly`, before any scenario runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from harness.checks.proof import Proof
from harness.checks.reasons import check_reason
from harness.errors import UsageError
from harness.faults.fault import CAPABILITIES, Need, own
from harness.target import TargetDescription
from harness.target.sections.protections import switched_off

WRITE_PROVES = 'write @proves("PROTECTION", fails="CHECK", match="REGEX") above it, with harness.proves'


def check_proof(proof: object, target: TargetDescription, place: str) -> Proof:
    """Return the proof if it can be tried on this target. Raises UsageError."""
    if not isinstance(proof, Proof):
        raise UsageError.at(place, "proves", proof, "not made by harness.proves", mend=WRITE_PROVES)
    _check_protections(proof, target, place)
    _check_profile(proof, target, place)
    check_reason(proof, place)
    return proof


def _check_protections(proof: Proof, target: TargetDescription, place: str) -> None:
    given: tuple[tuple[str, object], ...] = (("proves", proof.protections), ("without", proof.without))
    for key, names in given:
        if not isinstance(names, tuple):
            raise UsageError.at(place, key, names, "not a tuple of names", mend=f"write {key}=({names!r},)")
        for name in names:
            if not isinstance(name, str):
                raise UsageError.at(place, key, name, "not a protection's name", valid=target.protections)
            switched_off(target, name, place=place, key=key)
    both = set(proof.protections) & set(proof.without)
    if both:
        name = min(both)
        raise UsageError.at(place, "without", name, "is proved by the same mark, so the two runs would be the same",
                            mend="take it out of one of them")  # fmt: skip


def _check_profile(proof: Proof, target: TargetDescription, place: str) -> None:
    if proof.under is not None and proof.under not in target.profiles:
        raise UsageError.at(place, "under", proof.under, "no such profile", valid=target.profiles)
    if not proof.protections and proof.under in {None, target.default_profile}:
        raise UsageError.at(place, "proves", proof.protections, "nothing is off: the two runs would be the same",
                            mend="name a protection, or another profile with under=")  # fmt: skip


def check_needs(needs: Iterable[object], target: TargetDescription, place: str) -> tuple[Need, ...]:
    """Return the needs if all of them are known. Raises UsageError."""
    servers = dict.fromkeys([*(link.server_name for link in target.links.values()), "toxiproxy"])
    known = (*CAPABILITIES, *map(own, servers))
    found: list[Need] = []
    for need in needs:
        if need not in known:
            raise UsageError.at(place, "needs", need, "there is no such name", valid=known)
        found.append(str(need))
    return tuple(found)


def check_nightly(marks: Iterable[tuple[Sequence[object], Mapping[str, object]]], place: str) -> str:
    """Return why the scenario is nightly, from the arguments of its marks; empty without a mark.

    Raises UsageError if one gives no reason.
    """
    reasons = []
    for args, kwargs in marks:
        reason = args[0] if len(args) == 1 and not kwargs else None
        if not isinstance(reason, str) or not reason.strip():
            raise UsageError.at(place, "nightly", reason, "does not say why a gate leaves this scenario out",
                                mend='write @nightly("waits for two deadlines"), with harness.nightly')  # fmt: skip
        reasons.append(reason.strip())
    return "; ".join(reasons)
