"""The suite and the user's selection from it. Every verb that runs scenarios begins with this."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.checks.proof import Proof
from harness.results.ablation import title
from harness.scenario.scenario import Scenario
from harness.suite.selection.unavailable import Unavailable
from harness.suite.selection.words import ambiguous_words
from harness.suite.settings import SuiteSettings
from harness.target import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """`scenarios`: the whole suite. `profile`: the chosen one. `listed`: scenarios that some machines cannot run."""

    settings: SuiteSettings
    target: Target
    profile: str
    scenarios: Sequence[Scenario]
    chosen: Sequence[Scenario]
    listed: Mapping[str, Unavailable]

    @property
    def left_out(self) -> Sequence[Scenario]:
        """The scenarios that were not chosen."""
        ids = {scenario.id for scenario in self.chosen}
        return [scenario for scenario in self.scenarios if scenario.id not in ids]

    @property
    def whole(self) -> bool:
        """Whether every scenario was chosen, perhaps except nightly ones."""
        return all(scenario.nightly for scenario in self.left_out)

    @property
    def plain(self) -> bool:
        """Whether they run with the target's defaults: its profile, everything on."""
        return self.profile == self.target.description.default_profile and not self.settings.without

    @property
    def proofs(self) -> Mapping[str, Sequence[Proof]]:
        """The proofs of each scenario of the suite, by id."""
        return {scenario.id: scenario.proofs for scenario in self.scenarios}

    @property
    def titles(self) -> Mapping[str, Sequence[str]]:
        """Titles of the proofs of each scenario of the suite, by id."""
        return {name: [title(proof) for proof in proofs] for name, proofs in self.proofs.items()}

    @property
    def ambiguous(self) -> frozenset[str]:
        """Names in the whole suite that mean both a scenario and a theme."""
        return ambiguous_words(self.scenarios)
