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
"""The target's other identities: a source with a secret of its own, and the usual one with its old secret."""


class WebhookSender:
    """Signs with secrets of its own, made anew for every run of the harness."""

    def __init__(self) -> None:
        self._secrets = {who: _secret() for who in ("", NEIGHBOUR, BEFORE_ROTATION)}

    def settings(self) -> Mapping[str, str]:
        """Tell the service the secrets: the present one, the old one, and the neighbour's."""
        return {
            "WEBHOOK_SECRETS": f"{self._secrets['']},{self._secrets[BEFORE_ROTATION]}",
            "WEBHOOK_SOURCE_SECRETS": f"{NEIGHBOUR}:{self._secrets[NEIGHBOUR]}",
        }

    def request(self, delivery: Delivery, *, age_s: float = 0.0) -> OutgoingRequest:
        """Sign the delivery, now or as that many seconds ago."""
        at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age_s)
        webhook = Webhook(self._secrets[delivery.identity])
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": webhook.sign(delivery.id, at, delivery.body.decode("utf-8")),
        }
        return OutgoingRequest("POST", f"/webhooks/{delivery.source}", headers, delivery.body)


def _secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode('ascii')}"
