"""schemathesis asks a running service everything that openapi.yaml allows, and what it does not."""

from __future__ import annotations

import asyncio
import sys

import pytest

from tests.webhook.openapi import PATH
from tests.webhook.support import ROOT, Starter, base_environment

CONFIGURATION = ROOT / "tests" / "webhook" / "schemathesis.toml"
WITHIN_S = 120


async def schemathesis(port: int) -> tuple[int | None, str]:
    """Its exit status and what it says, all checks on."""
    words = ("--no-color", f"--config-file={CONFIGURATION}", "run", str(PATH), "--checks=all")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "schemathesis.cli", *words, f"--url=http://127.0.0.1:{port}",
        cwd=ROOT, env={**base_environment(), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    try:
        said, _ = await asyncio.wait_for(process.communicate(), WITHIN_S)
    finally:
        if process.returncode is None:
            process.kill()
    return process.returncode, said.decode()


@pytest.mark.asyncio
async def test_the_service_answers_as_documented_whatever_is_asked(starter: Starter) -> None:
    async with starter.running() as service:
        status, said = await schemathesis(service.port)
        assert status == 0, said
        assert "Tested: 5" in said, said
        outcomes = {
            outcome: await service.metric(rf'webhook_requests_total\{{outcome="{outcome}"\}}')
            for outcome in ("acknowledged", "conflict", "rejected", "refused", "unknown")
        }
        # It got through, and it was turned away; nothing failed that was well.
        assert min(outcomes[name] for name in ("acknowledged", "conflict", "rejected")) >= 5, outcomes
        assert (outcomes["refused"], outcomes["unknown"]) == (0, 0)
        stored = await service.database.stored()
        assert 0 < len(stored) <= outcomes["acknowledged"]
        assert not [line for line in service.process.log.read().splitlines() if '"level": "error"' in line]
