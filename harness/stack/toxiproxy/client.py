"""The control client of one Toxiproxy: proxies and their toxics, as values.

Every call is synchronous, has a time limit, and may be made from any thread. It raises ToxiproxyError with Toxiproxy's
own text if it is refused. Calls that heal are idempotent: they may remove a missing toxic, enable an enabled proxy or
reset an intact one.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.addresses import HostPort
from harness.closing import Closing
from harness.errors import HarnessError, UsageError
from harness.stack.tcp.port_claims import PortClaims
from harness.stack.toxiproxy.api import (
    CALL_TIMEOUT_S,
    ToxiproxyApi,
    ToxiproxyError,
    ToxiproxyUnreachableError,
    Verb,
)
from harness.stack.toxiproxy.toxics import TOXICITY, WITHOUT_EFFECT, Toxic, check_name, has_no_effect

__all__ = ["Proxy", "ToxiproxyClient", "ToxiproxyError", "ToxiproxyUnreachableError"]

LISTEN_HOST = "127.0.0.1"
LISTEN_ATTEMPTS = 20


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy as Toxiproxy describes it."""

    name: str
    listen: HostPort
    upstream: HostPort
    enabled: bool


class ToxiproxyClient(Closing):
    """Controls the Toxiproxy at `api_url` (`http://host:port`). It is a context manager that closes `ports`."""

    def __init__(self, api_url: str, *, timeout_s: float = CALL_TIMEOUT_S, ports: PortClaims | None = None) -> None:
        self._api = ToxiproxyApi(parse_api_url(api_url), timeout_s=timeout_s)
        self._ports = ports or PortClaims()
        self._port_of: dict[str, int] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Give back the claimed ports; the proxies stay in their server. Idempotent."""
        self._ports.close()
        self._api.close()

    def version(self) -> str:
        """Return the version that the server itself reports: `git` if it was built without one."""
        return str(self._api.json("get", "/version")["version"])

    # ------------------------------------------------------------------ proxies

    def create(self, name: str, upstream: HostPort) -> Proxy:
        """Create and enable a proxy on a port of 127.0.0.1 that it keeps while it is disabled.

        Raises UsageError for an unsafe name, ToxiproxyError (409) if the name is taken.
        """
        check_name("proxy", name)
        taken: ToxiproxyError | None = None
        for _ in range(LISTEN_ATTEMPTS):
            port = self._ports.claim()
            try:
                proxy = self._create(name, HostPort(LISTEN_HOST, port), HostPort(*upstream))
            except ToxiproxyError as error:
                self._ports.release(port)
                if not _is_taken(error):
                    raise
                taken = error
            else:
                with self._lock:
                    self._port_of[name] = port
                return proxy
        mend = "see which program listens on so many ports: ss -ltnp"
        raise HarnessError(f"proxy {name}: each of {LISTEN_ATTEMPTS} ports was taken", hint=mend) from taken

    def delete(self, name: str) -> bool:
        """Close the proxy's connections and remove it. Return False if there is no proxy with that name."""
        removed = self._if_there("delete", f"/proxies/{_safe(name)}")
        with self._lock:
            port = self._port_of.pop(name, None)
        if port is not None:
            self._ports.release(port)
        return removed

    def names(self) -> tuple[str, ...]:
        """Return the names of all proxies, including those that other programs made."""
        return tuple(sorted(self._api.json("get", "/proxies")))

    def proxy(self, name: str) -> Proxy:
        """Return the proxy's present state. Raises ToxiproxyError (404) if it does not exist."""
        return _proxy(self._api.json("get", f"/proxies/{_safe(name)}"))

    def enabled(self, name: str) -> bool:
        """Return whether the proxy listens."""
        return self.proxy(name).enabled

    def set_enabled(self, name: str, enabled: bool) -> None:
        """Enable or disable the proxy. Does nothing if it is in that state already.

        Disabled: the listener closes first (a new connection is refused, ECONNREFUSED), then every open connection is
        closed on both sides. Enabled: it listens on the same port again; closed connections stay closed. Disabling
        waits for a connection that is being made to the server, so a server that swallows SYNs blocks it.
        """
        self._api.json("post", f"/proxies/{_safe(name)}", {"enabled": enabled})

    def cut(self, name: str) -> None:
        """Close every open connection, on both sides, and keep listening. A disabled proxy stays disabled.

        This is one call: between disabling and enabling, new connections would be refused. Toxiproxy restarts a proxy
        whose upstream changes, and treats another spelling of the same upstream (a leading zero in the port) as a
        change.
        """
        path = f"/proxies/{_safe(name)}"
        host, _, port = str(self._api.json("get", path)["upstream"]).rpartition(":")
        other = port.removeprefix("0") if port.startswith("0") else f"0{port}"
        self._api.json("post", path, {"upstream": f"{host}:{other}"})

    def set_upstream(self, name: str, upstream: HostPort) -> None:
        """Lead the proxy to another server. Its open connections are closed; toxics and port stay."""
        self._api.json("post", f"/proxies/{_safe(name)}", {"upstream": str(upstream)})

    # ------------------------------------------------------------------ toxics

    def toxics(self, name: str) -> tuple[Toxic, ...]:
        """Return the proxy's toxics, upstream ones first, each direction in the order of its chain.

        Toxics that `remove_toxic` has disabled but not deleted are left out.
        """
        answer = self._api.json("get", f"/proxies/{_safe(name)}/toxics")
        return tuple(Toxic.from_api(each) for each in answer if not has_no_effect(each))

    def add_toxic(self, name: str, toxic: Toxic) -> None:
        """Add a toxic at the end of its direction's chain; it is in force when this returns.

        Raises ToxiproxyError (409) if the proxy has a toxic with that name.
        """
        payload = {"name": toxic.name, "type": toxic.type, "stream": toxic.stream, "toxicity": TOXICITY}
        payload["attributes"] = dict(toxic.attributes)
        try:
            self._api.json("post", f"/proxies/{_safe(name)}/toxics", payload)
        except ToxiproxyError as error:
            if error.status != 409 or not self._replaces_neutral(name, toxic):
                raise

    def remove_toxic(self, name: str, toxic_name: str) -> bool:
        """Remove a toxic: it has no effect any more when this returns. Return False if it did not exist.

        A kind that can hold bytes is not deleted. Instead it gets values without effect, and `toxics` leaves it out
        from then on. In Toxiproxy 2.12, deleting it takes 5 s, with the proxy locked, for each piece that it holds for
        an ended connection; after 25 s the answer is a 503. Either way, bytes that it held pass at once. The other
        kinds are deleted.

        Raises ToxiproxyError (404) if there is no such proxy.
        """
        path = _toxic_path(name, toxic_name)
        try:
            now = self._api.json("get", path)
        except ToxiproxyError as error:
            if error.status == 404 and "toxic not found" in error.body:
                return False
            raise
        neutral = WITHOUT_EFFECT.get(now["type"])
        if neutral is None:
            return self._if_there("delete", path)
        if has_no_effect(now):
            return False
        self._set(name, toxic_name, neutral)
        return True

    def reset(self, name: str) -> None:
        """Remove all toxics and enable the proxy, from any state. Idempotent."""
        for toxic in self.toxics(name):
            self.remove_toxic(name, toxic.name)
        self.set_enabled(name, True)

    # ------------------------------------------------------------------ inside

    def _create(self, name: str, listen: HostPort, upstream: HostPort) -> Proxy:
        payload = {"name": name, "listen": str(listen), "upstream": str(upstream), "enabled": True}
        return _proxy(self._api.json("post", "/proxies", payload))

    def _set(self, name: str, toxic_name: str, attributes: Mapping[str, int]) -> None:
        self._api.json("post", _toxic_path(name, toxic_name), {"toxicity": TOXICITY, "attributes": attributes})

    def _replaces_neutral(self, name: str, toxic: Toxic) -> bool:
        """Give the new values to a toxic of that name that has no effect; False if it has an effect."""
        now = self._api.json("get", _toxic_path(name, toxic.name))
        if not has_no_effect(now):
            return False
        if (now["type"], now["stream"]) == (toxic.type, toxic.stream):
            self._set(name, toxic.name, toxic.attributes)
        else:
            self._if_there("delete", _toxic_path(name, toxic.name))
            self.add_toxic(name, toxic)
        return True

    def _if_there(self, verb: Verb, path: str) -> bool:
        try:
            self._api.text(verb, path)
        except ToxiproxyError as error:
            if error.status == 404:
                return False
            raise
        return True


def parse_api_url(url: str) -> HostPort:
    """Return the address in `http://host:port`. Raises UsageError if the URL has another form."""
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    rest = parts.path.strip("/") or parts.query or parts.fragment or parts.username
    if parts.scheme != "http" or not parts.hostname or port is None or rest:
        mend = "write http://HOST:PORT, as in http://127.0.0.1:8474"
        raise UsageError.at("Toxiproxy", "url", url, "not the URL of an API", mend=mend)
    return HostPort(parts.hostname, port)


def _safe(name: str) -> str:
    check_name("proxy", name)
    return name


def _toxic_path(name: str, toxic_name: str) -> str:
    check_name("toxic", toxic_name)
    return f"/proxies/{_safe(name)}/toxics/{toxic_name}"


def _proxy(answer: Mapping[str, Any]) -> Proxy:
    listen, upstream = HostPort.parse(answer["listen"]), HostPort.parse(answer["upstream"])
    return Proxy(name=answer["name"], listen=listen, upstream=upstream, enabled=answer["enabled"])


def _is_taken(error: ToxiproxyError) -> bool:
    return error.status == 500 and "address already in use" in error.body
