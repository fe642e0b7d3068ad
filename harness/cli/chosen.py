"""Collects the suite, and selects the scenarios that a user means."""

from __future__ import annotations

from collections.abc import Sequence

from harness.plugin.collection import collect_scenarios
from harness.search.orders.gated import order_scenarios
from harness.suite import SuiteSettings, check_profile, read_unavailable, select
from harness.suite.chosen import Chosen
from harness.suite.unavailable import FILE
from harness.target import Target, load_target


def choose(
    settings: SuiteSettings, words: Sequence[str], *, target: Target | None = None, nightly: bool = True
) -> Chosen:
    """Load the target, unless it is given, collect the suite, and choose. Raises UsageError.

    Without `nightly`, those for the night are chosen only if the words name them.
    """
    target = target or load_target(settings.target_file)
    profile = check_profile(settings, target)
    scenarios = (*collect_scenarios(settings.scenarios, target.description), *order_scenarios(target))
    return Chosen(
        settings=settings,
        target=target,
        profile=profile,
        scenarios=scenarios,
        chosen=select(scenarios, words, nightly=nightly),
        listed=read_unavailable(settings.scenarios / FILE, [scenario.id for scenario in scenarios]),
    )
