"""Steady state: what the service does without any fault."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from harness.engine.laying.tls import never_agreed, told_with_tls
from harness.engine.observing.service.probes import probe
from harness.engine.rig import RETRY_EVERY_S, Rig
from harness.engine.stops import ScenarioStop
from harness.engine.tasks import at_once
from harness.engine.workload.clients import Answer
from harness.history.events import Healthy, NotSteady, Purpose
from harness.polling import poll_async
from harness.vocabulary import ACKNOWLEDGED

WARM_AT_ONCE = 5
HEALTHY_ANSWERS = 5
EASE_TIMES = 3
"""Nothing is judged before the scenario, so a breaker that a busy machine has opened has time to close."""


async def reach_steady_state(rig: Rig) -> None:
    """Reach steady state before a scenario and measure it: some requests at once, then some one after the other.

    The first round that is acknowledged completely counts, up to the target's deadline for recovery: on a busy machine
    a cold service may refuse its first requests. If no round is, records NotSteady and raises ScenarioStop.
    """
    healthy: Sequence[Answer] = ()
    refused = ""

    async def reached() -> bool:
        nonlocal healthy, refused
        healthy, refused = await _round(rig)
        return not refused or not rig.site.service.running

    await poll_async(reached, within_s=rig.recovery_s, interval_s=RETRY_EVERY_S)
    if refused:
        told = await told_with_tls(rig.site.relay, rig.site.hops, refused)
        raise _not_steady(rig, told, waited_s=rig.recovery_s if rig.site.service.running else 0.0)
    await _until_tls_is_agreed(rig)
    await _until_at_ease(rig)
    median_ms = statistics.median(answer.took_ms for answer in healthy)
    rig.recorder.record("runner", Healthy(round(median_ms, 3), len(healthy)))


async def check_steady_again(rig: Rig) -> None:
    """Send one more round after the scenario. All deliveries must be acknowledged. Raises ScenarioStop as above."""
    _, refused = await _round(rig)
    if refused:
        raise _not_steady(rig, refused)


def _not_steady(rig: Rig, reason: str, *, waited_s: float = 0.0) -> ScenarioStop:
    rig.recorder.record("runner", NotSteady(reason, waited_s=waited_s))
    return ScenarioStop()


async def _round(rig: Rig) -> tuple[Sequence[Answer], str]:
    """Send a round. Return the answers of the requests sent one by one, and all requests that were not acknowledged."""
    warm = await at_once(rig.send(Purpose.WARM) for _ in range(WARM_AT_ONCE))
    healthy = [await rig.send(Purpose.HEALTHY) for _ in range(HEALTHY_ANSWERS)]
    answers = [*warm, *healthy]
    bad = [answer for answer in answers if answer.outcome != ACKNOWLEDGED]
    return healthy, f"{len(bad)} of {len(answers)}: {bad[0].story}" if bad else ""


async def _until_tls_is_agreed(rig: Rig) -> None:
    """Send until every link on which TLS failed has also succeeded once, up to the target's deadline."""
    problem = ""

    async def agreed() -> bool:
        nonlocal problem
        problem = await never_agreed(rig.site.relay, rig.site.hops)
        if problem:
            await rig.send(Purpose.WARM)
        return not problem

    if not await poll_async(agreed, within_s=rig.recovery_s, interval_s=RETRY_EVERY_S):
        raise _not_steady(rig, f"after {rig.recovery_s:g} s {problem}", waited_s=rig.recovery_s)


async def _until_at_ease(rig: Rig) -> None:
    """Send until the metrics that the target names have come down, up to three times its deadline."""
    probes = rig.target.description.probes
    if probes is None or not probes.at_ease:
        return
    limits, above, within_s = probes.at_ease, "", EASE_TIMES * rig.recovery_s

    async def at_ease() -> bool:
        nonlocal above
        probed = await probe(rig.target, rig.site.service)
        if probed is None:
            return False
        seen = {name: probed.get(name) for name in limits}
        above = ", ".join(f"{name} is {seen[name]:g}" for name, most in limits.items() if seen[name] > most)
        if above:
            await rig.send(Purpose.WARM)
        return not above

    if not await poll_async(at_ease, within_s=within_s, interval_s=RETRY_EVERY_S):
        why = f"after {within_s:g} s {above or 'the service has ended'}"
        raise _not_steady(rig, why, waited_s=within_s if above else 0.0)
