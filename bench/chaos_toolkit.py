"""Chaos Toolkit with chaostoolkit-toxiproxy, as its users run it: one experiment per fault."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.proxied import ProxiedService
from harness.errors import HarnessError
from harness.target import Delivery

ROOT = Path(__file__).resolve().parents[1]
WITHIN_S = 120.0
COMPLETED = "completed"


class ChaosToolkit:
    """Cuts a service's connections with experiments. Use it as a context manager: a worker stays for `by_api`."""

    def __init__(self, service: ProxiedService, python: Path, folder: Path) -> None:
        self._service = service
        self._python = python
        self._folder = folder
        self._worker: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        command = [str(self._python), "-m", "bench.chaos_worker"]
        pipe = subprocess.PIPE
        self._worker = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, text=True, cwd=self._folder, env=self._environment
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._worker is not None:
            self._worker.communicate(timeout=WITHIN_S)

    def by_command(self, faults: int) -> None:
        """`chaos run`, one process per fault. Raises HarnessError if an experiment did not complete."""
        chaos = str(self._python.with_name("chaos"))
        for _ in range(faults):
            words = ["--no-version-check", "--log-file", "chaos.log", "run", "--journal-path", "journal.json"]
            done = subprocess.run(
                [chaos, *words, str(self._written())], cwd=self._folder, env=self._environment,
                capture_output=True, text=True, check=False, timeout=WITHIN_S,
            )  # fmt: skip
            if done.returncode != 0:
                raise HarnessError(f"chaos run ended with status {done.returncode}:\n{done.stderr[-2000:]}")
            _check(json.loads((self._folder / "journal.json").read_text("utf-8"))["status"])

    def by_api(self, faults: int) -> None:
        """`chaoslib.experiment.run_experiment`, all in one process that already runs. Raises as above."""
        if self._worker is None or self._worker.stdin is None or self._worker.stdout is None:
            raise HarnessError("Chaos Toolkit's worker was not started")
        for _ in range(faults):
            self._worker.stdin.write(f"{self._written()}\n")
            self._worker.stdin.flush()
            _check(self._worker.stdout.readline().strip())

    @property
    def _environment(self) -> Mapping[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
        return {**kept, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}

    def _written(self) -> Path:
        path = self._folder / "experiment.json"
        path.write_text(json.dumps(experiment(self._service, self._service.deliveries.next())), "utf-8")
        return path


def experiment(service: ProxiedService, delivery: Delivery) -> dict[str, Any]:
    """Cut every connection to the database, deliver, and check that the acknowledged delivery is stored once."""
    outgoing = service.request(delivery)
    deliver = {"url": f"{service.url}{outgoing.path}", "headers": outgoing.headers, "body": outgoing.body.decode()}
    judge = {"database": service.admin_url, "delivery": delivery.id, "digest": delivery.digest}
    probe = {"type": "probe", "name": "acknowledged is stored", "tolerance": True}
    proxy = {"proxy_name": service.proxy}
    return {
        "title": "A delivery meets connections that were cut",
        "description": "What was acknowledged is stored once.",
        "configuration": {"toxiproxy_host": service.api.host, "toxiproxy_port": service.api.port},
        "steady-state-hypothesis": {
            "title": "What was acknowledged is stored once",
            "probes": [probe | {"provider": _python("bench.chaos_steps", "acknowledged_is_stored", judge)}],
        },
        "method": [
            _action("cut", _python("chaostoxi.proxy.actions", "disable_proxy", proxy)),
            _action("mend", _python("chaostoxi.proxy.actions", "enable_proxy", proxy)),
            _action("deliver", _python("bench.chaos_steps", "deliver", deliver)),
        ],
        "rollbacks": [],
    }


def _python(module: str, function: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "python", "module": module, "func": function, "arguments": dict(arguments)}


def _action(name: str, provider: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "action", "name": name, "provider": dict(provider)}


def _check(status: str) -> None:
    if status != COMPLETED:
        raise HarnessError(f"an experiment ended as {status!r}", hint="run `chaos run` on it by hand")


__all__: Sequence[str] = ["ChaosToolkit", "experiment"]
