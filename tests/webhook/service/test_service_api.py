"""The API, on a healthy service."""

from __future__ import annotations

import base64
import json
import time

import pytest

from tests.webhook.support import KEY, LISTENS_LONG, Starter, digest, new_id, signed

JSON_OF_ALL_KINDS = (
    b'{"nul": "\\u0000", "high": "\\ud800", "low": "\\udfff", "deep": [[[[[[[[]]]]]]]], "n": -0.0e-99}',
    b"null",
    b"  [1, 2]\r\n\t ",
    b'"' + b"x" * 100_000 + b'"',
    b"[" + b"9" * 10_000 + b"]",
    '"ключ 🔑"'.encode(),
)


@pytest.mark.asyncio
async def test_stored_and_answered_the_same_again(starter: Starter) -> None:
    async with starter.running() as service:
        for body in JSON_OF_ALL_KINDS:
            identity = new_id()
            first = await service.deliver(body, delivery_id=identity)
            again = await service.deliver(body, delivery_id=identity)
            other = await service.deliver(b'{"other": 1}', delivery_id=identity)
            shown = await service.client.get(f"/webhooks/shop/{identity}")
            assert first.status_code == 200, first.text
            assert first.json()["sha256"] == digest(body)
            assert (again.status_code, again.content) == (first.status_code, first.content)
            assert (other.status_code, other.json()["error"]) == (409, "id_conflict")
            assert base64.b64decode(shown.json()["body_base64"]) == body
        stored = await service.database.stored()
        assert [sha256 for _, sha256 in stored] == [digest(body) for body in JSON_OF_ALL_KINDS]


@pytest.mark.asyncio
async def test_the_same_id_from_two_sources_is_two_deliveries(starter: Starter) -> None:
    identity = new_id()
    async with starter.running() as service:
        for source in ("one", "two"):
            answer = await service.client.post(f"/webhooks/{source}", content=b"{}", headers=signed(identity, b"{}"))
            assert answer.json()["source"] == source
        assert len(await service.database.stored()) == 2


@pytest.mark.asyncio
async def test_every_mistake_has_its_answer_and_stores_nothing(starter: Starter) -> None:
    identity, body = new_id(), b'{"a": 1}'
    good = signed(identity, body)
    old, new = (signed(identity, body, timestamp=str(int(time.time()) + shift)) for shift in (-400, 400))
    cases = [
        (good, b'{"a": 2}', 401, "invalid_signature"),
        (signed(identity, body, key=b"z" * 32), body, 401, "invalid_signature"),
        ({**good, "webhook-signature": "v1,!!!"}, body, 401, "invalid_signature"),
        ({**good, "webhook-signature": "v2,AAAA"}, body, 401, "invalid_signature"),
        ({**good, "webhook-signature": ""}, body, 401, "missing_signature"),
        (old, body, 401, "timestamp_out_of_range"),
        (new, body, 401, "timestamp_out_of_range"),
        ({**good, "webhook-timestamp": "1e9"}, body, 400, "invalid_timestamp"),
        ({**good, "webhook-id": "a.b"}, body, 400, "invalid_id"),
        ({**good, "webhook-id": "x" * 129}, body, 400, "invalid_id"),
        ({**good, "webhook-id": ""}, body, 400, "missing_header"),
        ({**good, "content-type": "text/plain"}, body, 415, "unsupported_media_type"),
        ({**good, "content-type": "application/json; charset=latin-1"}, body, 415, "unsupported_media_type"),
        ({**good, "content-encoding": "gzip"}, body, 415, "unsupported_media_type"),
        (signed(identity, b"{"), b"{", 400, "invalid_body"),
        (signed(identity, b""), b"", 400, "invalid_body"),
        (signed(identity, b"\xff\xfe"), b"\xff\xfe", 400, "invalid_body"),
        (signed(identity, b'"a\x00b"'), b'"a\x00b"', 400, "invalid_body"),
        (signed(identity, b"[NaN]"), b"[NaN]", 400, "invalid_body"),
        (signed(identity, b"[" * 200_000), b"[" * 200_000, 400, "invalid_body"),
        (signed(identity, b"[" * 300_000 + b"]" * 300_000), b"[" * 300_000 + b"]" * 300_000, 400, "invalid_body"),
        (signed(identity, b"x" * (1 << 20)), b"x" * (1 << 20), 400, "invalid_body"),
        (signed(identity, b"x" * (1 << 20) + b"x"), b"x" * (1 << 20) + b"x", 413, "body_too_large"),
    ]
    async with starter.running() as service:
        for headers, sent, status, error in cases:
            answer = await service.client.post("/webhooks/shop", content=sent, headers=headers)
            assert (answer.status_code, answer.json()["error"]) == (status, error), (headers, sent[:40])
            assert answer.json()["detail"]
        assert await service.database.stored() == []


@pytest.mark.asyncio
async def test_other_paths_and_methods(starter: Starter) -> None:
    cases = [
        ("GET", "/", 404),
        ("GET", "/webhooks/shop", 405),
        ("POST", "/webhooks/shop/", 404),
        ("PUT", "/webhooks/shop", 405),
        ("POST", "/webhooks/a%00b", 400),
        ("POST", "/webhooks/%F0%9F%94%91", 400),
        ("POST", "/webhooks/" + "s" * 65, 400),
        ("POST", "/webhooks/..%2f..%2fetc", 404),
        ("GET", "/webhooks/shop/a%00b", 400),
        ("GET", "/webhooks/shop/%2e%2e", 400),
        ("GET", "/webhooks/shop/unheard-of", 404),
    ]
    async with starter.running() as service:
        for method, path, status in cases:
            answer = await service.client.request(method, path, content=b"{}", headers=signed(new_id(), b"{}"))
            assert answer.status_code == status, path
            assert set(answer.json()) == {"error", "detail"}
        assert await service.database.stored() == []


@pytest.mark.asyncio
async def test_secrets_are_rotated(starter: Starter) -> None:
    old, new = b"o" * 24, b"n" * 24
    secrets = ",".join("whsec_" + base64.b64encode(key).decode() for key in (old, new))
    async with starter.running(WEBHOOK_SECRETS=secrets) as service:
        for key, status in ((old, 200), (new, 200), (KEY, 401)):
            identity = new_id()
            answer = await service.client.post(
                "/webhooks/shop", content=b"{}", headers=signed(identity, b"{}", key=key)
            )
            assert answer.status_code == status


@pytest.mark.asyncio
async def test_what_was_signed_for_one_source_is_no_delivery_of_another_with_its_own_secret(starter: Starter) -> None:
    own = b"o" * 24
    async with starter.running(WEBHOOK_SOURCE_SECRETS=f"bank:whsec_{base64.b64encode(own).decode()}") as service:
        for source, key, status in (("bank", own, 200), ("bank", KEY, 401), ("shop", own, 401), ("shop", KEY, 200)):
            headers = signed(new_id(), b"{}", key=key)
            answer = await service.client.post(f"/webhooks/{source}", content=b"{}", headers=headers)
            assert answer.status_code == status, (source, key)


@pytest.mark.asyncio
async def test_a_delivery_that_cannot_be_looked_up_is_not_denied(starter: Starter) -> None:
    identity = new_id()
    async with starter.running() as service:
        await service.deliver(delivery_id=identity)
        async with service.database.locked():
            shown = await service.client.get(f"/webhooks/shop/{identity}")
        assert (shown.status_code, shown.headers["retry-after"]) == (503, "1")
        assert "stored nothing" not in shown.json()["detail"]
        assert shown.json()["detail"].endswith("Whether the delivery is stored was not found out.")


@pytest.mark.asyncio
async def test_probes_and_metrics(starter: Starter) -> None:
    async with starter.running(**LISTENS_LONG) as service:
        await service.deliver()
        alive = await service.client.get("/healthz")
        ready = await service.client.get("/readyz")
        assert alive.json() == {"status": "alive"}
        assert ready.json() == {
            "status": "ready",
            "dependencies": {"postgres": {"ok": True}, "redis": {"ok": True}},
        }
        assert await service.metric("webhook_pool_size") == 15
        assert await service.metric("webhook_pool_checked_out") == 0
        assert await service.metric("webhook_requests_total") == 1
        assert await service.metric("webhook_tasks") > 0
        assert await service.metric("webhook_log_lines_lost") == 0
        assert await service.metric("process_open_fds") > 0


@pytest.mark.asyncio
async def test_a_missing_table_is_told_by_readiness(starter: Starter) -> None:
    async with starter.running(**LISTENS_LONG) as service:
        await service.database.fetch("DROP TABLE deliveries")
        ready = await service.client.get("/readyz")
        assert ready.status_code == 503
        assert "webhook migrate" in ready.json()["dependencies"]["postgres"]["error"]
        assert (await service.deliver()).status_code == 503


@pytest.mark.asyncio
async def test_no_body_and_no_secret_in_the_log(starter: Starter) -> None:
    body = json.dumps({"card": "4111-1111"}).encode()
    async with starter.running() as service:
        await service.deliver()
        async with service.database.locked():
            answer = await service.deliver(body)
        assert answer.status_code == 503
        log = service.process.log.read()
        assert "lock timeout" in log
        assert "4111" not in log
        assert base64.b64encode(KEY).decode() not in log
