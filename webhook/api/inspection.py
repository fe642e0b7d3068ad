r"""Decides whether a request is a delivery: source, headers, signature, body, in this order.

The body must be JSON in UTF-8 (RFC 8259) and is stored byte for byte. Everything that JSON allows is accepted:
`\u0000`, lone surrogates as escapes, numbers of any length. `NaN` and `Infinity` are not JSON.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NoReturn

from webhook.api.rejections import RejectedError
from webhook.api.signatures import is_signed
from webhook.delivery import SOURCE, Delivery

DELIVERY_ID = re.compile(r"[A-Za-z0-9_=+:~-]{1,128}")
"""No full stop: it separates the signed parts, so an id with one would be ambiguous."""
TIMESTAMP = re.compile(r"[0-9]{1,12}")
MEDIA_TYPE = re.compile(r"application/(?:[a-z0-9!#$&^_.-]+\+)?json", re.IGNORECASE)
_WORD = r"[A-Za-z0-9!#$%&'*+.^_`|~-]+"
PARAMETER = re.compile(rf""";[ \t]*(?:({_WORD})[ \t]*=[ \t]*({_WORD}|"(?:[^"\\]|\\.)*"))?[ \t]*""")
"""RFC 9110, 5.6.6, and the blanks around the `=` that it forbids but some clients send.

Not email.message: it interprets `charset*0=` and the like, which HTTP does not have, and fails on a number of 5000
digits.
"""

Headers = Iterable[tuple[bytes, bytes]]


class Inspector:
    """Knows the keys, the limits and the time."""

    def __init__(
        self,
        *,
        keys: Sequence[bytes],
        body_limit_bytes: int,
        tolerance_s: float,
        clock: Callable[[], float],
        keys_of: Mapping[str, Sequence[bytes]] | None = None,
    ) -> None:
        """`keys_of` has the keys of sources with their own keys; `keys` are for all other sources."""
        self._keys = keys
        self._keys_of = keys_of or {}
        self.body_limit_bytes = body_limit_bytes
        self._tolerance_s = tolerance_s
        self._clock = clock

    def check_head(self, source: str, headers: Headers) -> dict[str, str]:
        """Check everything that is known before the body. Return the headers that `accept` needs.

        Raises:
            RejectedError: with the status to answer.

        """
        check_source(source)
        found = _single_headers(headers)
        _check_media_type(found)
        self._check_length(found.get("content-length"))
        check_id(_required(found, "webhook-id"))
        if not TIMESTAMP.fullmatch(_required(found, "webhook-timestamp")):
            raise RejectedError(400, "invalid_timestamp", "webhook-timestamp must be whole seconds since 1970.")
        if not found.get("webhook-signature"):
            raise RejectedError(401, "missing_signature", "The header webhook-signature is missing.")
        return found

    def accept(self, source: str, found: dict[str, str], body: bytes) -> Delivery:
        """Check the signature, then the body.

        Raises:
            RejectedError: with the status to answer.

        """
        delivery_id, timestamp = found["webhook-id"], found["webhook-timestamp"]
        if not is_signed(
            self._keys_of.get(source, self._keys),
            delivery_id=delivery_id,
            timestamp=timestamp,
            signatures=found["webhook-signature"],
            body=body,
        ):
            raise RejectedError(401, "invalid_signature", "No signature matches the id, the timestamp and the body.")
        self._check_age(int(timestamp))
        check_json(body)
        return Delivery(source, delivery_id, body, hashlib.sha256(body).hexdigest())

    def check_size(self, size: int) -> None:
        """Refuse a body that is larger than the limit."""
        if size > self.body_limit_bytes:
            raise RejectedError(413, "body_too_large", f"The body may have {self.body_limit_bytes} bytes at most.")

    def _check_length(self, text: str | None) -> None:
        if text is None:
            return
        # The parser lets digits only through; a number that is too long for it is too long for us.
        if not text.isascii() or not text.isdigit():
            raise RejectedError(400, "invalid_header", "content-length must be a whole number.")
        self.check_size(int(text[:20]))

    def _check_age(self, timestamp: int) -> None:
        age_s = self._clock() - timestamp
        if abs(age_s) > self._tolerance_s:
            side = "old" if age_s > 0 else "new"
            raise RejectedError(
                401, "timestamp_out_of_range", f"The timestamp is too {side}: {self._tolerance_s:g} s are tolerated."
            )


def check_source(source: str) -> None:
    """Refuse a name that is not allowed in the path."""
    if not SOURCE.fullmatch(source):
        raise RejectedError(400, "invalid_source", "A source has 1 to 64 of: letters, digits, _ and -.")


def check_id(delivery_id: str) -> None:
    """Refuse an id that could not be looked up again."""
    if not DELIVERY_ID.fullmatch(delivery_id):
        raise RejectedError(400, "invalid_id", "A webhook-id has 1 to 128 of: letters, digits, _ = + : ~ and -.")


def check_json(body: bytes) -> None:
    """Refuse a body that is not JSON."""
    try:
        # Numbers stay text: a million digits are valid JSON, and no reason to compute.
        json.loads(body.decode("utf-8"), parse_int=str, parse_float=str, parse_constant=_not_json)
    except UnicodeDecodeError as error:
        raise RejectedError(400, "invalid_body", f"The body is not UTF-8 (byte {error.start}).") from error
    except RecursionError as error:
        raise RejectedError(400, "invalid_body", "The body is nested too deeply.") from error
    except ValueError as error:
        raise RejectedError(400, "invalid_body", f"The body is not JSON: {error}.") from error


def _not_json(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON value")


_NAMES = {
    b"webhook-id",
    b"webhook-timestamp",
    b"webhook-signature",
    b"content-type",
    b"content-length",
    b"content-encoding",
}


def _single_headers(headers: Headers) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        if name not in _NAMES:
            continue
        key = name.decode("ascii")
        if key in found:
            raise RejectedError(400, "duplicate_header", f"The header {key} is there more than once.")
        if not value.isascii():
            raise RejectedError(400, "invalid_header", f"The header {key} is not ASCII.")
        found[key] = value.decode("ascii").strip(" \t")
    return found


def _required(found: dict[str, str], name: str) -> str:
    value = found.get(name)
    if not value:
        raise RejectedError(400, "missing_header", f"The header {name} is missing.")
    return value


def _check_media_type(found: dict[str, str]) -> None:
    media_type, semicolon, parameters = found.get("content-type", "").partition(";")
    if not MEDIA_TYPE.fullmatch(media_type.strip()):
        raise RejectedError(
            415, "unsupported_media_type", "The content type must be application/json, or one of +json."
        )
    if semicolon:
        _check_charset(semicolon + parameters)
    if found.get("content-encoding", "identity").lower() != "identity":
        raise RejectedError(415, "unsupported_media_type", "The body must not be compressed.")


def _check_charset(parameters: str) -> None:
    place = 0
    while place < len(parameters):
        parameter = PARAMETER.match(parameters, place)
        if parameter is None:
            raise RejectedError(415, "unsupported_media_type", "The content type's parameters must be name=value.")
        name, value = parameter.groups("")
        if name.lower() == "charset" and value.strip('"').lower() not in ("utf-8", "utf8"):
            raise RejectedError(415, "unsupported_media_type", "The only charset of JSON is UTF-8.")
        place = parameter.end()
