"""Standard Webhooks signatures, over the raw bytes.

`standardwebhooks` provides the primitive (`hmac_data`). Its `Webhook.verify` is not used: it takes one secret, decodes
the body as UTF-8 (another body raises UnicodeDecodeError instead of being refused), signs a reformatted timestamp
instead of the received one, and raises ValueError for a malformed signature.
"""

import base64
import binascii
import hmac
from collections.abc import Sequence

from standardwebhooks.webhooks import hmac_data

SIGNATURES_MAX = 16
"""More signatures in one header than any rotation needs."""


def sign(key: bytes, *, delivery_id: str, timestamp: str, body: bytes) -> str:
    """Return `v1,BASE64`."""
    return f"v1,{base64.b64encode(_digest(key, delivery_id, timestamp, body)).decode()}"


def is_signed(keys: Sequence[bytes], *, delivery_id: str, timestamp: str, signatures: str, body: bytes) -> bool:
    """Return whether one of the signatures (`v1,... v1,...`) was made with one of the keys, in constant time."""
    given = _decoded(signatures)
    good = False
    for key in keys:
        expected = _digest(key, delivery_id, timestamp, body)
        for signature in given:
            good |= hmac.compare_digest(expected, signature)
    return good


def _digest(key: bytes, delivery_id: str, timestamp: str, body: bytes) -> bytes:
    return hmac_data(key, f"{delivery_id}.{timestamp}.".encode() + body)


def _decoded(signatures: str) -> list[bytes]:
    found = []
    for part in signatures.split(" ")[:SIGNATURES_MAX]:
        version, _, encoded = part.partition(",")
        if version != "v1":
            continue
        try:
            found.append(base64.b64decode(encoded, validate=True))
        except binascii.Error:
            continue
    return found
