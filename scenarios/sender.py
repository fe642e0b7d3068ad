"""How the webhook service wants its deliveries: signed as Standard Webhooks asks."""

from __future__ import annotations

import base64
import datetime as dt
import secrets
from collections.abc import Mapping

from standardwebhooks.webhooks import hmac_data

from harness.target import Delivery, OutgoingRequest

SECRET_BYTES = 24
NEIGHBOUR, BEFORE_ROTATION = "neighbour", "before_rotation"
NEIGHBOUR_BEFORE = "neighbour_before_rotation"
"""The target's identities with secrets of their own: another source, and both sources with their old secrets."""
ITS_SOURCE = "Neighbour"


class WebhookSender:
    """Signs with secrets of its own, made anew for every run of the harness."""

    def __init__(self) -> None:
        self._secrets = {who: _secret() for who in ("", NEIGHBOUR, BEFORE_ROTATION, NEIGHBOUR_BEFORE)}

    def settings(self) -> Mapping[str, str]:
        """Tell the service the secrets of both sources: the present one and the old one."""
        neighbours = [f"{ITS_SOURCE}:{self._secrets[who]}" for who in (NEIGHBOUR_BEFORE, NEIGHBOUR)]
        return {
            "WEBHOOK_SECRETS": f"{self._secrets['']},{self._secrets[BEFORE_ROTATION]}",
            "WEBHOOK_SOURCE_SECRETS": ",".join(neighbours),
        }

    def request(self, delivery: Delivery, *, age_s: float = 0.0) -> OutgoingRequest:
        """Sign the delivery, now or as that many seconds ago."""
        at = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=age_s)
        timestamp = str(int(at.timestamp()))
        headers = {
            "content-type": "application/json",
            "webhook-id": delivery.id,
            "webhook-timestamp": timestamp,
            "webhook-signature": self._signature(delivery, timestamp),
        }
        return OutgoingRequest("POST", f"/webhooks/{delivery.source}", headers, delivery.body)

    def _signature(self, delivery: Delivery, timestamp: str) -> str:
        # Not the library's `sign`: it takes text only, and what must be rejected may be none.
        secret = self._secrets.get(delivery.identity, self._secrets[""]).removeprefix("whsec_")
        signed = f"{delivery.id}.{timestamp}.".encode() + delivery.body
        return f"v1,{base64.b64encode(hmac_data(base64.b64decode(secret), signed)).decode('ascii')}"


def _secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode('ascii')}"
