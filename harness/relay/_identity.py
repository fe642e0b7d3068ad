"""The relay's own certificate, made when TLS is first spoken: an authority and one server's certificate."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass

_NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """The TLS contexts of both sides of the relay, and the authority's certificate."""

    towards_service: ssl.SSLContext
    towards_server: ssl.SSLContext
    authority_pem: str


class Identity:
    """The certificate and its contexts: one for the whole process."""

    def __init__(self) -> None:
        self._making: asyncio.Task[TlsContexts] | None = None

    async def contexts(self) -> TlsContexts:
        """Return the contexts. The first call makes them in a thread, so that other connections are not delayed."""
        if self._making is None:
            self._making = asyncio.create_task(asyncio.to_thread(_make))
        return await asyncio.shield(self._making)

    async def authority_pem(self) -> str:
        """Return the certificate that a client has to trust."""
        return (await self.contexts()).authority_pem


def _make() -> TlsContexts:
    import trustme  # noqa: PLC0415 - it takes a quarter of a second and is seldom needed

    authority = trustme.CA()
    towards_service = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*_NAMES).configure_cert(towards_service)
    towards_server = ssl.create_default_context()
    towards_server.check_hostname = False  # a server of this machine, with whatever certificate it has
    towards_server.verify_mode = ssl.CERT_NONE
    return TlsContexts(towards_service, towards_server, authority.cert_pem.bytes().decode())
