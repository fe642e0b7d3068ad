"""A service of several processes: one that starts workers, and starts them again."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness import ACKNOWLEDGED, ANY_OUTCOME, Fault, Lab, process, service
from harness.checks import Verdict
from harness.faults.processes.workers import workers_of
from harness.history.events import EvidenceSeen
from tests.scenario_live.support import Runs, history_of, site_of

PREFORK = """
import os, signal, sys
sys.path.insert(0, os.getcwd())
import webhook.service as service
from webhook.configuration.settings import load_settings

shared = service.listen("127.0.0.1", 0)
service.listen = lambda host, port: shared

def work():
    pid = os.fork()
    if pid == 0:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os._exit(service.serve(load_settings()))
    return pid

def stop(signum, frame):
    for pid in workers:
        os.kill(pid, signal.SIGTERM)
    for pid in workers:
        os.waitpid(pid, 0)
    os._exit(0)

workers = {work(), work()}
signal.signal(signal.SIGTERM, stop)
while True:
    pid, _ = os.wait()
    workers.discard(pid)
    workers.add(work())
"""


@pytest.fixture
def forking(runs: Runs, tmp_path: Path) -> Runs:
    """The webhook service in two processes below a third, which listens."""
    program = tmp_path / "prefork.py"
    program.write_text(PREFORK, "utf-8")
    description = runs.bed.target.description
    changed = description.service.model_copy(update={"command": ["{python}", str(program)], "preload": []})
    # What one worker says of its own figures is no word about the other's.
    own = description.model_copy(update={"service": changed, "probes": None})
    return runs.on(target=dataclasses.replace(runs.bed.target, description=own), preloaded=None)


@pytest.mark.parametrize(
    ("fault", "ended"),
    [
        (process.kill(worker=2), 1),
        (process.kill(worker="all"), 2),
        (process.terminate(worker=1), 1),
    ],
    ids=str,
)
def test_a_worker_ends_and_the_service_starts_another(forking: Runs, fault: Fault, ended: int) -> None:
    async def play(lab: Lab) -> None:
        async with lab.traffic(clients=4, expect=ANY_OUTCOME):
            async with lab.inject(fault):
                await lab.until(service.logged("listening"))
            await lab.until(service.answers(at_least=10, outcome=ACKNOWLEDGED))

    result = forking(play)

    assert "alive" not in result.failing_checks, result.reason
    assert result.verdict is not Verdict.INCONCLUSIVE, result.reason
    assert [seen.what for seen in history_of(result).of(EvidenceSeen)] == ["process_ended"] * ended


def test_killing_the_first_process_leaves_the_workers_and_that_is_told(forking: Runs) -> None:
    pids: list[frozenset[int]] = []

    async def play(lab: Lab) -> None:
        pids.append(_family(lab))
        async with lab.inject(process.kill()):
            pass
        pids.append(_family(lab))
        await lab.deliver(2)

    result = forking(play)

    told = [seen.detail for seen in history_of(result).of(EvidenceSeen) if seen.what == "workers_left"]
    assert len(told) == 1, result.reason
    assert len(pids[0]) == len(pids[1]) == 3
    assert not pids[0] & pids[1]
    assert all(not Path(f"/proc/{pid}").exists() for pid in pids[0])


def _family(lab: Lab) -> frozenset[int]:
    """The service's first process and its workers, once both of them are there."""
    first = site_of(lab).service.process.pid
    return frozenset({first, *(each.pid for each in workers_of(first))})


@pytest.mark.parametrize("worker", [3, "all"])
def test_a_worker_that_is_not_there(runs: Runs, worker: int) -> None:
    async def play(lab: Lab) -> None:
        await lab.deliver()
        await lab.inject(process.kill(worker=worker))

    result = runs(play)

    assert result.verdict is Verdict.INCONCLUSIVE
    assert "the service has 0 processes below its first one" in result.reason
