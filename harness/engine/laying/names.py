"""The placeholders for a link's name, and the name server that resolves it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from harness.addresses import HostPort
from harness.protocols.contract.storage import Own
from harness.stack.resolver import Resolver, resolving
from harness.target.placeholders import NAME, NAMED_URL
from harness.target.sections.link import LinkDescription

Words = Mapping[str, str]


def words_of(described: LinkDescription, own: Own, at: HostPort) -> Words:
    """Return the placeholders that only a link with a name has."""
    if described.name is None:
        return {}
    named = own.words(HostPort(described.name, at.port), tls=described.tls)
    return {NAME: described.name, NAMED_URL: named["url"]}


def by_address(words: Words, described: LinkDescription) -> Words:
    """Return the placeholders for a process that does not use the name server: names are replaced by addresses."""
    return words if described.name is None else {**words, NAME: words["host"], NAMED_URL: words["url"]}


@asynccontextmanager
async def name_server(links: Mapping[str, LinkDescription], host: str) -> AsyncIterator[Resolver | None]:
    """A name server that resolves each link's name to `host`; None if no link has a name."""
    names = {described.name: host for described in links.values() if described.name is not None}
    if not names:
        yield None
        return
    async with resolving(names) as resolver:
        yield resolver
