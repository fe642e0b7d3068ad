"""One Toxiproxy's HTTP API, through toxiproxy-python, with its gaps closed.

toxiproxy-python's own objects use one server, whose host and port are class attributes of its `APIConsumer`. They wait
without a limit, and treat a 5xx as success. For each call they open a session of `requests` and a connection, which is
most of a call's cost. So each `ToxiproxyApi` has its own session (for several servers in one process, and any thread),
limits the time of every call, and checks every status; the library still decides what a refusal means
(`validate_response`). Its objects (`Toxiproxy`, `Proxy`) are not used: they would use the base class's server, and
`Toxiproxy.create` first lists all proxies, which waits while any toxic is being removed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal

import requests
from toxiproxy.api import validate_response
from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

from harness.addresses import HostPort
from harness.errors import HarnessError

# Toxiproxy itself gives up after 25 s, with an empty 503. A healthy call takes a millisecond.
CALL_TIMEOUT_S = 10.0

Verb = Literal["get", "post", "delete"]
_STATUS = {ProxyExists: 409, NotFound: 404, InvalidToxic: 400}


class ToxiproxyError(HarnessError):
    """Toxiproxy refused a call, or did not answer.

    `status` is the HTTP status, None if there was no answer; `body` is Toxiproxy's answer.
    """

    def __init__(self, message: str, *, hint: str = "", status: int | None = None, body: str = "") -> None:
        super().__init__(message, hint=hint)
        self.status = status
        self.body = body

    def __reduce__(self) -> tuple[object, ...]:
        """Keep status and body, too, when the error is sent to another process."""
        return _rebuild, (self.message, self.hint, self.status, self.body)


class ToxiproxyUnreachableError(ToxiproxyError):
    """There was no answer: no connection, or not within the time limit. The call may have taken effect."""

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle it like its parent, with this class."""
        return _rebuild_unreachable, (self.message, self.hint)


def _rebuild(message: str, hint: str, status: int | None, body: str) -> ToxiproxyError:
    return ToxiproxyError(message, hint=hint, status=status, body=body)


def _rebuild_unreachable(message: str, hint: str) -> ToxiproxyUnreachableError:
    return ToxiproxyUnreachableError(message, hint=hint)


class ToxiproxyApi:
    """Calls to the Toxiproxy at `address`; usable from any thread."""

    def __init__(self, address: HostPort, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        host = f"[{address.host}]" if ":" in address.host else address.host
        self._base = f"http://{host}:{address.port}"
        self._session = requests.Session()
        # `requests` would send even a call to 127.0.0.1 to the proxy of HTTP_PROXY or ALL_PROXY.
        self._session.trust_env = False
        self._timeout_s = timeout_s
        self.address = address

    def close(self) -> None:
        """Close the kept connections. Idempotent; a later call opens a new one."""
        self._session.close()

    def text(self, verb: Verb, path: str, payload: Mapping[str, object] | None = None) -> str:
        """Return the body of a 2xx. Raises ToxiproxyError for anything else."""
        response = self._send(verb, path, payload)
        if not 200 <= response.status_code < 300:
            raise self._refused(verb, path, response.status_code, response.text)
        return response.text

    def json(self, verb: Verb, path: str, payload: Mapping[str, object] | None = None) -> Any:
        """Return the answer's JSON. Raises ToxiproxyError if it is not JSON, or not a 2xx."""
        text = self.text(verb, path, payload)
        try:
            return json.loads(text)
        except ValueError as error:
            hint = f"is it a Toxiproxy that listens on {self.address}?"
            message = f"{self._call(verb, path)}: the answer is not JSON: {text[:200]!r}"
            raise ToxiproxyError(message, hint=hint, body=text) from error

    def _send(self, verb: Verb, path: str, payload: Mapping[str, object] | None) -> requests.Response:
        options: dict[str, Any] = {"timeout": self._timeout_s, "allow_redirects": False}
        if payload is not None:
            options["json"] = payload
        try:
            response: requests.Response = validate_response(self._session.request(verb, self._base + path, **options))
        except (ProxyExists, NotFound, InvalidToxic) as refusal:
            body = refusal.args[0].decode("utf-8", "replace")
            raise self._refused(verb, path, _STATUS[type(refusal)], body) from refusal
        except requests.RequestException as error:
            raise self._unreachable(verb, path, error) from error
        return response

    def _refused(self, verb: Verb, path: str, status: int, body: str) -> ToxiproxyError:
        said = _message(body) or "nothing (it gave up after its own 25 s)" if status == 503 else _message(body)
        hint = "the port is taken by another program" if "address already in use" in body else ""
        return ToxiproxyError(f"{self._call(verb, path)}: {status}: {said}", hint=hint, status=status, body=body)

    def _unreachable(self, verb: Verb, path: str, error: Exception) -> ToxiproxyUnreachableError:
        hint = "see Toxiproxy's log: it has died, or a link of this proxy cannot pass on what it holds"
        message = f"{self._call(verb, path)}: no answer within {self._timeout_s:g} s: {error}"
        return ToxiproxyUnreachableError(message, hint=hint)

    def _call(self, verb: Verb, path: str) -> str:
        return f"Toxiproxy at {self.address}, {verb.upper()} {path}"


def _message(body: str) -> str:
    """Return the text of Toxiproxy's `{"error": ...}`, or the unchanged body."""
    try:
        said = json.loads(body)
    except ValueError:
        return body.strip()
    return str(said["error"]) if isinstance(said, dict) and "error" in said else body.strip()
