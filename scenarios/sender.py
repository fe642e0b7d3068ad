"""How the webhook service wants its deliveries: signed as Standard Webhooks asks."""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Mapping

from standardwebhooks import Webhook

from harness.target import Delivery, OutgoingRequest

SECRET_BYTES = 24
NEIGHBOUR, BEFORE_ROTATION = "neighbour", "before_rotation"
NEIGHBOUR_BEFORE = "neighbour_before_rotation"
"""The target's identities with secrets of their own: another source, and both sources with their old secrets."""


class WebhookSender:
    """Signs with secrets of its own, made anew for every run of the harness."""

    def __init__(self) -> None:
        self._secrets = {who: _secret() for who in ("", NEIGHBOUR, BEFORE_ROTATION, NEIGHBOUR_BEFORE)}

    def settings(self) -> Mapping[str, str]:
        """Tell the service the secrets of both sources: the present one and the old one."""
        neighbours = [f"{NEIGHBOUR}:{self._secrets[who]}" for who in (NEIGHBOUR_BEFORE, NEIGHBOUR)]
        return {
            "WEBHOOK_SECRETS": f"{self._secrets['']},{self._secrets[BEFORE_ROTATION]}",
            "WEBHOOK_SOURCE_SECRETS": ",".join(neighbours),
        }

    def request(self, delivery: Delivery, *, age_s: float = 0.0) -> OutgoingRequest:
        """Sign the delivery, now or as that many seconds ago."""
        at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age_s)
        webhook = Webhook(self._secrets.get(delivery.identity, self._secrets[""]))
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": webhook.sign(delivery.id, at, delivery.body.decode("utf-8")),
        }
        return OutgoingRequest("POST", f"/webhooks/{delivery.source}", headers, delivery.body)


def _secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode('ascii')}"
