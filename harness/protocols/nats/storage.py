"""A service's part of a NATS server: an account, with its streams."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from harness.addresses import HostPort
from harness.protocols.contract.probes import NotUnderstoodError, Said
from harness.protocols.contract.storage import Own, Share, Storage
from harness.protocols.nats.asking import NatsError, asking
from harness.protocols.nats.probes import NatsProbe, streams
from harness.protocols.nats.server import Account, NatsServer

__all__ = ["STORAGE", "OwnAccount"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnAccount:
    """See `Own`. `port`: the server's own, by which its connections are counted."""

    account: Account
    admin_url: str
    port: int

    def words(self, at: HostPort, *, tls: bool) -> Mapping[str, str]:
        """See `Own`."""
        user, password = self.account.user, self.account.password
        login = f"{user}:{password}@" if user else ""
        url = f"{'tls' if tls else 'nats'}://{login}{at}"
        return {"url": url, "host": at.host, "port": str(at.port), "user": user, "password": password}

    async def forget(self) -> None:
        """Do nothing: messages in a stream are stored, not cached."""

    async def execute(self, text: str) -> Said:
        """See `Own`. The text is a subject, perhaps with a body: `$JS.API.STREAM.PURGE.ORDERS {}`."""
        subject, _, body = text.strip().partition(" ")
        try:
            async with asking(self.admin_url) as own:
                said = await own.ask(subject, body.encode())
        except NatsError as problem:
            raise NotUnderstoodError(f"NATS says: {problem}") from problem
        answer = said.decode("utf-8", "replace")
        if '"err_code"' in answer:
            raise NotUnderstoodError(f"NATS says: {answer}")
        return Said(answer, effective=True)

    def probe(self) -> NatsProbe:
        """See `Own`."""
        return NatsProbe(self.admin_url, self.port)

    @asynccontextmanager
    async def empty_beside(self) -> AsyncIterator[OwnAccount]:
        """See `Own`. `prepare` may create the same again."""
        yield self

    async def empty(self) -> None:
        """Delete all streams of the account, with their consumers."""
        async with asking(self.admin_url) as own:
            for name in await streams(own):
                await own.ask(f"$JS.API.STREAM.DELETE.{name}")


class NatsStorage:
    """See `Storage`. A service begins without streams, so there is no template to copy."""

    @asynccontextmanager
    async def own(self, server: NatsServer, share: Share) -> AsyncIterator[OwnAccount]:
        """Reserve an account. At the end its streams are deleted, except on a server that was given by URL."""
        account = server.account(share.number)
        own = _own(server, account)
        try:
            yield own
        finally:
            if account is not None:
                await own.empty()

    async def make_template(self, server: NatsServer) -> Own:
        """Give an account to `prepare`."""
        return _own(server, server.account(None))

    async def keep_template(self, server: NatsServer) -> None:
        """Do nothing: nothing is copied."""

    async def drop_template(self, server: NatsServer) -> None:
        """Do nothing: nothing was made."""


def _own(server: NatsServer, account: Account | None) -> OwnAccount:
    given = urlsplit(server.url)
    if account is None:
        account = Account(given.username or "", given.password or "")
        return OwnAccount(account=account, admin_url=server.url, port=server.port)
    url = f"nats://{account.user}:{account.password}@{server.address}"
    return OwnAccount(account=account, admin_url=url, port=server.port)


STORAGE: Final[Storage[NatsServer]] = NatsStorage()
