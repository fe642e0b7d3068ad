"""The answers, as JSON. A repeat is answered from the stored row, so it gets the same answer as the first delivery."""

import base64
import json
from datetime import UTC

from starlette.responses import Response

from webhook.api.rejections import Rejection
from webhook.delivery import Stored

READ_FROM = "Webhook-Read-From"
"""The header of an answer to a read: `primary`, or `replica`, which may lag behind."""


def acknowledged(stored: Stored) -> Response:
    """Say that the delivery is committed."""
    return _json(200, _described(stored))


def found(stored: Stored, body: bytes, server: str) -> Response:
    """Show the stored delivery, with the body in base64: its bytes may be anything that JSON allows."""
    shown = {"size": len(body), "body_base64": base64.b64encode(body).decode()}
    return _json(200, _described(stored) | shown, read_from(server))


def read_from(server: str) -> dict[str, str]:
    """Name the server that answered the read."""
    return {READ_FROM: server}


def conflict(stored: Stored) -> Response:
    """The id belongs to another body, and this does not change."""
    detail = f"The id {stored.id} is stored with the sha256 {stored.sha256}."
    return failure(409, "id_conflict", detail)


def refused(detail: str, retry_after_s: int) -> Response:
    """This request certainly stored nothing; the client should send it again."""
    return _unavailable(f"{detail} This request stored nothing.", retry_after_s)


def not_looked_up(detail: str, retry_after_s: int) -> Response:
    """The read failed: the client knows no more than before."""
    return _unavailable(f"{detail} Whether the delivery is stored was not found out.", retry_after_s)


def unknown() -> Response:
    """The delivery may be stored; the client should send it again, which is safe."""
    return failure(504, "unknown", "The commit's answer was lost: the delivery may or may not be stored.")


def rejected(rejection: Rejection) -> Response:
    """The client's mistake."""
    return failure(rejection.status, rejection.error, rejection.detail)


def _unavailable(detail: str, retry_after_s: int) -> Response:
    return failure(503, "unavailable", detail, {"Retry-After": str(retry_after_s)})


def failure(status: int, error: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """Return an answer that reports a problem."""
    return _json(status, {"error": error, "detail": detail}, headers)


def status_report(status: int, report: dict[str, object]) -> Response:
    """Return a probe's answer."""
    return _json(status, report)


def _described(stored: Stored) -> dict[str, object]:
    return {
        "source": stored.source,
        "id": stored.id,
        "sha256": stored.sha256,
        "received_at": stored.received_at.astimezone(UTC).isoformat(timespec="microseconds"),
    }


def _json(status: int, content: dict[str, object], headers: dict[str, str] | None = None) -> Response:
    body = json.dumps(content, separators=(",", ":")).encode()
    return Response(body, status, headers, media_type="application/json")
