"""Runs Prometheus on one service, and asks it for the states of its alerts."""

from __future__ import annotations

import asyncio
import enum
import json
import os
import shutil
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from harness.errors import HarnessError
from harness.polling import poll_async
from harness.processes.keeper import Keeper, KeptProcess, ProcessSpec
from harness.stack.http.client import HttpClient, UnansweredError
from harness.stack.tcp.ports import free_port

READY_WITHIN_S: Final = 30.0
ASKED_WITHIN_S: Final = 10.0
STOPPED_WITHIN_S: Final = 5.0
SCRAPE_MS_MIN: Final = 100.0
"""A shorter interval would itself be a load."""


class AlertState(enum.StrEnum):
    """Prometheus' states of a rule."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"


@dataclass(frozen=True, slots=True)
class RuleSeen:
    """An alerting rule as Prometheus sees it. `for_s`: how long its condition must last before it fires."""

    name: str
    state: AlertState
    for_s: float
    evaluated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PrometheusConfiguration:
    """What to watch, and by which rules. `rules`: as in a file of rules. `port`, `path`: where the metrics are."""

    program: Path
    rules: Mapping[str, Any]
    job: str
    port: int
    path: str
    scrape_ms: float
    log: Path


class Prometheus:
    """A Prometheus that runs. Use `Prometheus.running`."""

    def __init__(self, process: KeptProcess, port: int, http: HttpClient) -> None:
        self._process = process
        self._port = port
        self._http = http

    @classmethod
    @asynccontextmanager
    async def running(
        cls, keeper: Keeper, configuration: PrometheusConfiguration, folder: Path
    ) -> AsyncIterator[Prometheus]:
        """Start it, and wait until it has read the metrics and evaluated every rule once. The block's end stops it.

        Raises HarnessError, with the end of its log, if this does not happen.
        """
        await asyncio.to_thread(folder.mkdir)
        process: KeptProcess | None = None
        try:
            async with HttpClient(keep_alive=True) as http:
                port = free_port()
                process = await asyncio.to_thread(keeper.spawn, _spec(configuration, folder, port))
                prometheus = cls(process, port, http)
                await prometheus._wait_until_it_watches()
                yield prometheus
        finally:
            if process is not None:
                await asyncio.to_thread(process.stop, grace_s=STOPPED_WITHIN_S)
            await asyncio.to_thread(shutil.rmtree, folder)

    async def rules(self) -> Sequence[RuleSeen]:
        """Return all alerting rules. Raises HarnessError if it does not answer."""
        data = await self._ask("/api/v1/rules?type=alert")
        return [
            RuleSeen(rule["name"], AlertState(rule["state"]), rule["duration"], rule["health"] == "ok")
            for group in data["groups"]
            for rule in group["rules"]
        ]

    async def _wait_until_it_watches(self) -> None:
        last = "it did not answer"

        async def watches() -> bool:
            nonlocal last
            try:
                targets = (await self._ask("/api/v1/targets"))["activeTargets"]
                rules = await self.rules()
            except HarnessError as problem:
                last = problem.message
                return self._process.poll() is not None
            up = [target["health"] == "up" for target in targets]
            last = "; ".join(target["lastError"] for target in targets) or "it has not followed every rule yet"
            return bool(up) and all(up) and all(rule.evaluated for rule in rules)

        reached = await poll_async(watches, within_s=READY_WITHIN_S)
        if not reached or self._process.poll() is not None:
            said = self._process.log.tail()
            raise HarnessError(f"Prometheus does not watch the service: {last}", hint=f"the end of its log: {said}")

    async def _ask(self, path: str) -> Any:
        try:
            answer = await self._http.get(self._port, path, within_s=ASKED_WITHIN_S)
        except (UnansweredError, TimeoutError) as problem:
            raise HarnessError(f"Prometheus does not answer {path}: {problem}") from problem
        if not answer.is_success:
            raise HarnessError(f"Prometheus answered {path} with {answer.status}: {answer.body[:300]!r}")
        return json.loads(answer.body)["data"]


def _spec(configuration: PrometheusConfiguration, folder: Path, port: int) -> ProcessSpec:
    """Write its files. JSON is YAML, too."""
    rules, config = folder / "rules.yml", folder / "prometheus.yml"
    rules.write_text(json.dumps(configuration.rules), "utf-8")
    every = f"{round(max(SCRAPE_MS_MIN, configuration.scrape_ms))}ms"
    scrape = {
        "job_name": configuration.job,
        "metrics_path": configuration.path,
        "static_configs": [{"targets": [f"127.0.0.1:{configuration.port}"]}],
    }
    whole = {
        "global": {"scrape_interval": every, "scrape_timeout": every, "evaluation_interval": every},
        "rule_files": [str(rules)],
        "scrape_configs": [scrape],
    }
    config.write_text(json.dumps(whole), "utf-8")
    argv = (
        str(configuration.program), f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    )  # fmt: skip
    env = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "GOMAXPROCS": "1"}
    return ProcessSpec(name="prometheus", argv=argv, env=env, cwd=folder, log=configuration.log)
