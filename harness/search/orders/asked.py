"""The scenario that plays all orders, where a target asks for it."""

from __future__ import annotations

from harness.checks.proof import Proof
from harness.engine.configuration import RunConfiguration
from harness.engine.laying.testbed import Testbed
from harness.errors import UsageError
from harness.results import RunResult
from harness.results.places import Location
from harness.scenario.doing import StepMisuseError
from harness.scenario.lab import Lab
from harness.scenario.scenario import Scenario
from harness.target import Target

THEME = "interleavings"
ID = "orders_of_two"


def order_scenarios(target: Target) -> tuple[Scenario, ...]:
    """Return one scenario that plays all orders of two requests' statements, if the target's description asks for it.

    Raises UsageError if the description names an unknown protection.
    """
    asked = target.description.interleavings
    if asked is None:
        return ()
    place, known = f"{target.path}: [interleavings]", target.description.protections
    if asked.proves not in known:
        raise UsageError.at(place, "proves", asked.proves, "there is no such protection", valid=known)

    async def play(lab: Lab) -> None:
        raise StepMisuseError(
            f"{lab!r} has no steps for orders", hint="python -m harness interleave --order replays one"
        )

    def run(configuration: RunConfiguration, bed: Testbed) -> RunResult:
        from harness.search.orders.gated import run_orders  # noqa: PLC0415  # the interleaver, when it is needed

        return run_orders(asked.mixes, configuration, bed, at_most=asked.at_most)

    return (
        Scenario(
            id=ID,
            theme=THEME,
            play=play,
            proofs=(Proof(protections=(asked.proves,), fails=asked.fails),),
            location=Location(str(target.path)),
            run=run,
            source=repr(asked.mixes),
        ),
    )
