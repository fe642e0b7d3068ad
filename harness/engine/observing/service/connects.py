"""Measures how many connections the service opens at once, from the kernel's record of its connect() calls."""

from __future__ import annotations

from collections.abc import Sequence

from harness.engine.workload.requests import sampled_at_rest, scenario_requests, within
from harness.errors import HarnessError
from harness.faults.site import Site
from harness.history import History
from harness.vocabulary import ConnectsPeak


def connects_peak(site: Site, figure: ConnectsPeak, history: History, *, since_ns: int = 0) -> int:
    """Return the largest number of connects to the link within the figure's window.

    Connects count since the scenario's first request, or the first since `since_ns`.

    Only connects that reached the kernel count: a connect that a fault answered reached no server. Raises HarnessError
    if the scenario sent no request, if the kernel reports no calls, or if no connect went to this link: without any
    connects there is no peak to measure.
    """
    first_ns = scenario_requests(history, since_ns=since_ns)[0].t_ns
    calls = site.service.syscall_events()
    if not calls:
        problem = f"no connect of the service was reported, so none to {figure.link} can be counted"
        raise HarnessError(problem, hint="see `harness doctor`: this figure needs seccomp")
    port = site.laid(figure.link).port
    samples = sampled_at_rest(history)
    own = [
        call
        for call in calls
        if call.port == port and call.is_stream and call.t_ns >= first_ns and not within(call.t_ns, samples)
    ]
    passed = [call.t_ns for call in own if call.answer is None]
    if not passed:
        problem = f"the service did not connect to {figure.link} in the scenario: no connects, so no peak"
        raise HarnessError(problem, hint="expect it in a scenario in which the service has to reconnect")
    return peak(passed, window_ns=figure.within_ms * 1_000_000)


def peak(times_ns: Sequence[int], *, window_ns: int) -> int:
    """Return the largest number of these that lie within any one window."""
    ordered, first, most = sorted(times_ns), 0, 0
    for last, time_ns in enumerate(ordered):
        while time_ns - ordered[first] >= window_ns:
            first += 1
        most = max(most, last - first + 1)
    return most
