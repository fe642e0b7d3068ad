"""Any bytes at all: a 4xx and nothing stored, or a 200 and exactly that stored. Never a 5xx."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from urllib.parse import quote

import httpx
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.webhook.support import Service, Starter, digest, new_id, signed
from tests.webhook.test_inspection import JSON

FUZZ = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255, exclude_characters="\r\n"), max_size=30)
NAMES = ("webhook-id", "webhook-timestamp", "webhook-signature", "content-type", "content-encoding")


@pytest_asyncio.fixture
async def service(starter: Starter) -> AsyncIterator[Service]:
    async with starter.running() as service:
        yield service


async def judged(service: Service, answer: httpx.Response, identity: str, body: bytes) -> None:
    """Whatever it was: the answer fits what is stored."""
    rows = await service.database.fetch("SELECT sha256 FROM deliveries WHERE id = $1", identity)
    stored = [row["sha256"] for row in rows]
    assert answer.status_code == 200 or 400 <= answer.status_code < 500, answer.text
    assert stored == ([digest(body)] if answer.status_code == 200 else [])


@pytest.mark.asyncio
@FUZZ
@given(body=st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
async def test_bodies(service: Service, body: bytes) -> None:
    identity = new_id()
    await judged(service, await service.deliver(body, delivery_id=identity), identity, body)


@pytest.mark.asyncio
@FUZZ
@given(name=st.sampled_from(NAMES), value=TEXT)
async def test_headers(service: Service, name: str, value: str) -> None:
    identity = new_id()
    headers = httpx.Headers({**signed(identity, b"{}"), name: value.strip()}, encoding="latin-1")
    try:
        answer = await service.client.post("/webhooks/shop", content=b"{}", headers=headers)
    except httpx.LocalProtocolError:
        return  # the client itself does not send such a header
    await judged(service, answer, identity, b"{}")
    assert answer.status_code != 200 or name in ("content-type", "content-encoding")


@pytest.mark.asyncio
@FUZZ
@given(path=st.text(st.characters(codec="utf-8"), min_size=1, max_size=40))
async def test_paths(service: Service, path: str) -> None:
    identity = new_id()
    answer = await service.client.post(
        f"/webhooks/{quote(path, safe='/')}", content=b"{}", headers=signed(identity, b"{}")
    )
    await judged(service, answer, identity, b"{}")
