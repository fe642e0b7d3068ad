"""The relay's own certificate, made when TLS is first spoken: an authority and one server's certificate."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.relay.hop.handshakes import How

if TYPE_CHECKING:
    import trustme

_NAMES = ("localhost", "127.0.0.1")
_FIRST = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class TlsContexts:
    """The TLS contexts of both sides of the relay, and the authority's certificate."""

    towards_service: ssl.SSLContext
    towards_server: ssl.SSLContext
    authority_pem: str
    wrong: Mapping[How, ssl.SSLContext]
    """Contexts towards the service whose certificate is wrong."""


class Identity:
    """The certificate and its contexts: one for the whole process."""

    def __init__(self) -> None:
        self._names = list(_NAMES)
        self._applications: list[str] = []
        self._authority: asyncio.Task[trustme.CA] | None = None
        self._making: asyncio.Task[TlsContexts] | None = None

    def know(self, name: str) -> None:
        """Add this host name to the certificate, for later connections."""
        if name not in self._names:
            self._names.append(name)
            self._making = None

    def offer(self, application: str) -> None:
        """Agree with clients that name this protocol (ALPN). Clients that name none, or another, are accepted, too."""
        if application not in self._applications:
            self._applications.append(application)
            self._making = None

    async def contexts(self) -> TlsContexts:
        """Return the contexts. The first call makes them in a thread, so that other connections are not delayed."""
        if self._authority is None:
            self._authority = asyncio.create_task(asyncio.to_thread(_make_authority))
        authority = await asyncio.shield(self._authority)
        if self._making is None:
            self._making = asyncio.create_task(
                asyncio.to_thread(_make, authority, tuple(self._names), tuple(self._applications))
            )
        return await asyncio.shield(self._making)

    async def authority_pem(self) -> str:
        """Return the certificate that a client has to trust."""
        return (await self.contexts()).authority_pem


def _make_authority() -> trustme.CA:
    import trustme  # noqa: PLC0415 - it takes a quarter of a second and is seldom needed

    return trustme.CA()


def _make(authority: trustme.CA, names: Sequence[str], applications: Sequence[str]) -> TlsContexts:
    long_ago = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)

    def presenting(certificate: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        context.set_alpn_protocols(applications)
        return context

    wrong: Mapping[How, ssl.SSLContext] = {
        "expired": presenting(authority.issue_cert(*names, not_before=_FIRST, not_after=long_ago)),
        "other_name": presenting(authority.issue_cert("another.invalid")),
        "other_authority": presenting(_make_authority().issue_cert(*names)),
    }
    towards_service = presenting(authority.issue_cert(*names))
    # Not `create_default_context`: it reads the machine's authorities, which are not needed here.
    towards_server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    towards_server.check_hostname = False  # a server of this machine, with any certificate
    towards_server.verify_mode = ssl.CERT_NONE
    return TlsContexts(towards_service, towards_server, authority.cert_pem.bytes().decode(), wrong)
