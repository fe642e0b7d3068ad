"""Chooses the parts of a scenario from what an engineer knows, above all a kind of fault."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from harness.drafting._source import source_of
from harness.errors import UsageError
from harness.faults import Fault, no_fault
from harness.faults.example import Example
from harness.standard.example_moves import moves_of
from harness.standard.ground import ground_of, links_of
from harness.target import Target
from harness.target.sections.protections import switched_off
from harness.vocabulary import Link

PLACE = "command line"


@dataclass(frozen=True, slots=True)
class Draft:
    """A scenario that runs, but does not say yet why it fails without `protection`; None if the target has none."""

    name: str
    kind: str
    link: Link
    protection: str | None
    text: str


def draft(
    name: str,
    target: Target,
    *,
    kind: str,
    link: str | None,
    protection: str | None,
) -> Draft:
    """Write a scenario of this name, in which a fault of this kind strikes.

    `link`: by name; by default the first that the fault fits. `protection`: what the scenario must prove; by default
    one whose name begins with the link's name, or the first. Raises UsageError for names that do not exist or do not
    fit.
    """
    known = kinds()
    if kind not in known:
        raise UsageError.at(PLACE, "--fault", kind, "no such fault", valid=known)
    where = _link(target, known[kind], link)
    example = known[kind].example(ground_of(target, where))
    if example is None:
        raise UsageError.at(
            PLACE, "--fault", kind, f"has no example for {where!r}", mend="name another --link, or another fault"
        )
    return draft_of(name, target, example, where, protection)


def draft_of(name: str, target: Target, example: Example, link: Link, protection: str | None) -> Draft:
    """Write a scenario of this name that does what the example does. `protection`: see `draft`. Raises UsageError."""
    what = _protection(target, link, protection)
    return Draft(name, example.fault.kind, link, what, source_of(name, moves_of(example), what))


def kinds() -> Mapping[str, type[Fault]]:
    """Return every fault that can be drafted, by its kind: all except `no_fault`."""
    return {kind: fault for kind, fault in sorted(Fault.kinds().items()) if kind != no_fault.kind}


def _link(target: Target, fault: type[Fault], name: str | None) -> Link:
    wanted = fault.fits()
    described = target.description.links
    fitting = {
        each.name: each
        for each in links_of(target)
        if isinstance(each, wanted)
        and (described[each.name].replica_of is not None or not fault.of_a_replica)
        and (described[each.name].pool_of is not None or not fault.of_a_pooler)
        and (described[each.name].sentinel_of is not None or not fault.of_a_sentinel)
    }
    if not fitting:
        kinds_of = {"replica": fault.of_a_replica, "pooler": fault.of_a_pooler, "Sentinel": fault.of_a_sentinel}
        whose = "".join(f" that is a {what}'s" for what, needed in kinds_of.items() if needed)
        what = f"{wanted.__name__}{whose}"
        problem, mend = f"strikes at a {what}, and the target has none", "draft another fault"
        raise UsageError.at(PLACE, "--fault", fault.kind, problem, mend=mend)
    if name is None:
        return next(iter(fitting.values()))
    if name not in fitting:
        raise UsageError.at(PLACE, "--link", name, f"no link of the target that {fault.kind} fits", valid=fitting)
    return fitting[name]


def _protection(target: Target, link: Link, name: str | None) -> str | None:
    if name is not None:
        switched_off(target.description, name, place=PLACE, key="--proves")
        return name
    return usual_protection(target, link.name)


def usual_protection(target: Target, link: str) -> str | None:
    """The first protection whose name begins with the link's, or the first; None if the target has none."""
    known = target.description.protections
    return next((each for each in known if each.startswith(f"{link}.")), next(iter(known), None))
