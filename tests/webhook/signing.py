"""What schemathesis cannot know of the service: how a request is signed, and what time it is."""

from __future__ import annotations

import time
from typing import Any

import requests.auth
import schemathesis

from tests.webhook.support import KEY
from webhook.api.inspection import TIMESTAMP
from webhook.api.signatures import sign


class Signed(requests.auth.AuthBase):
    """Signs what is really sent."""

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        body = request.body or b""
        request.headers["webhook-signature"] = sign(
            KEY,
            delivery_id=request.headers.get("webhook-id", ""),
            timestamp=request.headers.get("webhook-timestamp", ""),
            body=body.encode() if isinstance(body, str) else body,
        )
        return request


schemathesis.auth.set_from_requests(Signed()).apply_to(operation_id="deliver")  # type: ignore[attr-defined]  # typed as its decorator alone


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, object]) -> None:
    """Put now where the schema's own words allow any time: what is well formed is then a good delivery."""
    stamp = case.headers.get("webhook-timestamp")
    if isinstance(stamp, str) and TIMESTAMP.fullmatch(stamp):
        case.headers["webhook-timestamp"] = str(int(time.time()))
