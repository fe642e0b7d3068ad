"""How the webhook service wants its deliveries: signed as Standard Webhooks asks."""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Mapping

from standardwebhooks import Webhook

from harness.target import Delivery, OutgoingRequest

SECRET_BYTES = 24


class WebhookSender:
    """Signs with a secret of its own, made anew for every run of the harness."""

    def __init__(self) -> None:
        secret = base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode("ascii")
        self._secret = f"whsec_{secret}"
        self._webhook = Webhook(self._secret)

    def settings(self) -> Mapping[str, str]:
        """Tell the service the secret."""
        return {"WEBHOOK_SECRETS": self._secret}

    def request(self, delivery: Delivery) -> OutgoingRequest:
        """Sign the delivery, now."""
        now = dt.datetime.now(dt.UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(delivery.id, now, delivery.body.decode("utf-8")),
        }
        return OutgoingRequest("POST", f"/webhooks/{delivery.source}", headers, delivery.body)
