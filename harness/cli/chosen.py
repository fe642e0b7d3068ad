"""The suite, and what of it a user means: what every verb that runs scenarios begins with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.checks.proof import Proof
from harness.plugin.collecting import collect_scenarios
from harness.results.ablation import title
from harness.scenario.scenario import Scenario
from harness.search.orders.gated import order_scenarios
from harness.suite import SuiteSettings, Unavailable, check_profile, read_unavailable, select
from harness.suite.unavailable import FILE
from harness.target import Target, load_target


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`scenarios`: all of the suite. `profile`: the one that is meant. `listed`: what some machines cannot run."""

    settings: SuiteSettings
    target: Target
    profile: str
    scenarios: Sequence[Scenario]
    chosen: Sequence[Scenario]
    listed: Mapping[str, Unavailable]

    @property
    def whole(self) -> bool:
        """Whether all scenarios were chosen."""
        return len(self.chosen) == len(self.scenarios)

    @property
    def plain(self) -> bool:
        """Whether they run as the target has them by default: its profile, everything on."""
        return self.profile == self.target.description.default_profile and not self.settings.without

    @property
    def proofs(self) -> Mapping[str, Sequence[Proof]]:
        """The proofs of each scenario of the suite, by id."""
        return {scenario.id: scenario.proofs for scenario in self.scenarios}

    @property
    def titles(self) -> Mapping[str, Sequence[str]]:
        """Titles of the proofs of each scenario of the suite, by id."""
        return {name: [title(proof) for proof in proofs] for name, proofs in self.proofs.items()}


def choose(settings: SuiteSettings, words: Sequence[str], *, target: Target | None = None) -> Chosen:
    """Load the target, unless it is given, collect the suite, and choose. Raises UsageError."""
    target = target or load_target(settings.target_file)
    profile = check_profile(settings, target)
    scenarios = (*collect_scenarios(settings.scenarios, target.description), *order_scenarios(target))
    return Chosen(
        settings=settings,
        target=target,
        profile=profile,
        scenarios=scenarios,
        chosen=select(scenarios, words),
        listed=read_unavailable(settings.scenarios / FILE, [scenario.id for scenario in scenarios]),
    )
