"""Collects the suite, and selects the scenarios that a user means."""

from __future__ import annotations

from collections.abc import Sequence

from harness.plugin.collection import collect_scenarios
from harness.scenario.scenario import Scenario
from harness.search.orders.asked import order_scenarios
from harness.suite import SuiteSettings, check_profile, read_unavailable, select
from harness.suite.selection.chosen import Chosen
from harness.suite.selection.unavailable import FILE
from harness.target import Target, load_target


def choose(
    settings: SuiteSettings, words: Sequence[str], *, target: Target | None = None, nightly: bool = True
) -> Chosen:
    """Load the target, unless it is given, collect the suite, and choose. Raises UsageError.

    Without `nightly`, nightly scenarios are chosen only if the words name them.
    """
    target = target or load_target(settings.target_file)
    profile = check_profile(settings, target)
    scenarios = _standard(settings, target, profile) if settings.suite == "standard" else _own(settings, target)
    return Chosen(
        settings=settings,
        target=target,
        profile=profile,
        scenarios=scenarios,
        chosen=select(scenarios, words, nightly=nightly),
        listed={}
        if settings.suite == "standard"
        else read_unavailable(settings.scenarios / FILE, [scenario.id for scenario in scenarios]),
    )


def _own(settings: SuiteSettings, target: Target) -> Sequence[Scenario]:
    return (*collect_scenarios(settings.scenarios, target.description), *order_scenarios(target))


def _standard(settings: SuiteSettings, target: Target, profile: str) -> Sequence[Scenario]:
    from harness.cli.standard import plan_standard  # noqa: PLC0415  # most runs are of scenarios that a user wrote

    return [each.scenario(target) for each in plan_standard(settings, target, profile).planned]
