"""Which kinds of evidence a scenario no longer leaves."""

from __future__ import annotations

from collections.abc import Sequence

from harness.compare.record import ScenarioRecord
from harness.faults.fault import Fault

__all__ = ["gone"]


def gone(old: ScenarioRecord, new: ScenarioRecord) -> Sequence[str]:
    """Return the kinds that are in the old record and lack a substitute in the new one, sorted.

    A fault with several kinds leaves at least one of them. By which of them the service felt it can depend on its pace:
    a server is back before the service connects again, so that no connect is refused. As long as the scenario's source
    is the same, another kind that the same fault can leave therefore takes the place of one that is gone, if both show
    that the service felt it. If the source has changed, each kind must still be there.

    Example:
        gone(ScenarioRecord(verdict, evidence=("connections_lost", "connects_refused")),
             ScenarioRecord(verdict, evidence=("connections_lost",)))    # []: the server was back sooner
    """
    lacking = sorted(set(old.evidence) - set(new.evidence))
    if old.source and new.source and old.source != new.source:
        return lacking
    return [kind for kind in lacking if not _substitutes(kind) & set(new.evidence)]


def _substitutes(name: str) -> frozenset[str]:
    """Return the kinds by which the service can feel the same fault."""
    felt = [{kind.kind for kind in fault.evidence if kind.felt} for fault in Fault.kinds().values()]
    return frozenset().union(*(kinds for kinds in felt if name in kinds)) - {name}
