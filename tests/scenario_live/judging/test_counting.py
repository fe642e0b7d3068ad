"""Connections are counted while a scenario runs, by the kernel's and the service's word, and nobody is disturbed."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import itertools
import signal
import socket
from collections.abc import Callable, Sequence

import psutil
import pytest

from harness import ANY_OUTCOME, Lab, link, no_fault, postgres, process, server
from harness.checks import Verdict
from harness.engine.observing.counting import Counting
from harness.history import History
from harness.history.events import AtRest, Counted, FaultActed, FaultHealed, PhaseBegan, RowsRead
from harness.polling import poll, poll_async
from harness.target import Target
from tests.scenario_live.support import Runs, evidence, history_of, problems, site_of


def seen(history: History, of: str, what: str) -> Sequence[float | None]:
    return [each.seen for each in history.of(Counted) if (each.of, each.what) == (of, what)]


def with_pool(target: Target, **pool: str) -> Target:
    probes = target.description.probes
    assert probes is not None
    changed = target.description.model_copy(update={"probes": probes.model_copy(update={"pool": pool})})
    return dataclasses.replace(target, description=changed)


async def counted(lab: Lab, of: str, what: str, fits: Callable[[float], bool]) -> None:
    """Wait until such a number was seen: how soon that is depends on what the machine has to do."""

    async def look() -> bool:
        return any(n is not None and fits(n) for n in seen(lab.performer.history, of, what)[-1:])

    assert await poll_async(look, within_s=20)


def test_a_cut_is_seen_and_so_are_the_pool_and_the_way_back(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        await lab.until(postgres.idle(1))
        await lab.inject(link.cut(postgres))
        await counted(lab, "postgres", "open", lambda n: n == 0)
        locked = server.lock(postgres, "deliveries")
        await lab.inject(locked)
        async with lab.deliver(3):
            await lab.until(postgres.waiting())  # a connection that is in use may not have said anything yet
            await counted(lab, "pool", "in use", lambda n: n >= 3)
            await lab.heal(locked)

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    history = history_of(result)
    assert seen(history, "postgres", "open")[-1], "it has connections again"
    assert seen(history, "pool", "in use")[-1] == 0
    assert {each.source for each in history.of(Counted) if each.of == "pool"} == {"service"}
    assert {each.of for each in history.of(Counted) if each.source == "kernel"} == {"postgres", "redis"}


def test_only_what_changes_is_recorded_and_nothing_is_asked_at_rest(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(no_fault):
            await lab.deliver()

    history = history_of(runs(play))

    numbers = seen(history, "postgres", "open")
    assert all(one != then for one, then in itertools.pairwise(numbers[:-1])), "the last is said once more"
    entries = list(history.entries)
    rest = next(e.seq for e in entries if isinstance(e.event, PhaseBegan) and e.event.phase == "rest")
    assert not [e for e in entries[rest:] if isinstance(e.event, Counted)]
    assert {each.what for each in history.of(AtRest)} >= {"tasks", "descriptors", "checked_out"}


def test_the_harness_is_none_of_the_clients_of_a_stopped_service(runs: Runs) -> None:
    async def three_wait(lab: Lab) -> None:
        await lab.inject(process.pause())
        async with lab.deliver(3, expect=ANY_OUTCOME):
            await lab.until(process.pause().fired(3))
            await lab.heal(process.pause())

    async def nobody_waits(lab: Lab) -> None:
        await lab.inject(process.pause())
        await lab.inject(process.pause())
        await lab.until(postgres.idle(1))

    three, nobody = runs(three_wait, name="three"), runs(nobody_waits, name="nobody")

    assert three.verdict is Verdict.HELD, three.reason
    assert "3 clients wait for it" in three.evidence[0].detail
    assert nobody.verdict is Verdict.INCONCLUSIVE
    assert not evidence(nobody)["process.pause()"]
    healed = next(e.seq for e in history_of(three).entries_of(FaultHealed))
    acted = next(e.seq for e in history_of(three).entries_of(FaultActed))
    paused = [e.event for e in history_of(three).entries[acted:healed]]
    assert not [e for e in paused if isinstance(e, Counted) and e.of == "pool" and e.seen is not None]


def test_a_client_that_had_gone_does_not_wait_for_a_stopped_service(runs: Runs) -> None:
    """It was answered and has closed its connection; the service was stopped before it could read that."""

    async def play(lab: Lab) -> None:
        site = site_of(lab)
        await site.asking.hush()
        client = socket.create_connection(("127.0.0.1", site.service.port))
        with contextlib.closing(client):
            client.sendall(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
            answer = b""
            while not answer.endswith(b"}"):  # its head may come before its body
                answer += await asyncio.to_thread(client.recv, 10_000)
            site.service.signal(signal.SIGSTOP, ends_it=False)
            running = psutil.Process(site.service.process.pid)
            assert await poll(lambda: running.status() == psutil.STATUS_STOPPED, within_s=20)
        await lab.inject(process.pause())
        site.asking.allow()
        await lab.heal(process.pause())
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert evidence(result) == {"process.pause()": {}}


def test_a_metric_that_the_service_does_not_have_is_named_and_spoils_no_run(runs: Runs) -> None:
    async def play(lab: Lab) -> None:
        async with lab.inject(no_fault):
            await lab.deliver()

    result = runs.on(target=with_pool(runs.bed.target, idle="webhook_pool_idel"))(play)

    assert result.verdict is Verdict.HELD, result.reason
    history = history_of(result)
    assert set(seen(history, "pool", "idle")) == {None}
    (problem,) = {each.problem for each in history.of(Counted) if each.of == "pool"}
    assert problem == "the service has no metric 'webhook_pool_idel'"
    assert list(history.of(RowsRead))


def test_whatever_breaks_the_counting_the_rows_are_read(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    async def breaks(counting: Counting) -> None:
        del counting
        raise RuntimeError("out of counts")

    monkeypatch.setattr(Counting, "finish", breaks)

    async def play(lab: Lab) -> None:
        async with lab.inject(no_fault):
            await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "counting: RuntimeError: out of counts" in " ".join(problems(result))
    assert len(list(history_of(result).of(RowsRead))) == 2, "before what is sent again, and at the end"


def test_a_kernel_that_does_not_tell_spoils_no_run(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(port: int) -> None:
        raise OSError(errno.EPROTONOSUPPORT, f"sock_diag: not here, {port}")

    monkeypatch.setattr("harness.engine.observing.counting.connection_counts", refuses)

    async def play(lab: Lab) -> None:
        await lab.inject(no_fault)
        await lab.deliver()

    result = runs(play)

    assert result.verdict is Verdict.HELD, result.reason
    told = [each for each in history_of(result).of(Counted) if each.of == "redis"]
    assert {each.seen for each in told} == {None}
    assert "sock_diag: not here" in told[0].problem
