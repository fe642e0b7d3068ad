"""The servers behind a target's links: their names, and how each is started."""

from __future__ import annotations

from collections.abc import Mapping

from harness.documents import check_document
from harness.errors import UsageError
from harness.protocols.contract.options import OPTIONS, ServerWanted
from harness.protocols.registry import PROTOCOLS
from harness.target.description import TargetDescription

RESERVED = ("prepare", "preloaded", "relay", "service", "toxiproxy")
"""Names already used for the logs and folders of other processes."""


def servers_of(description: TargetDescription, place: str) -> tuple[ServerWanted, ...]:
    """Return each server once, in the order of the links.

    `[links.ledger] protocol = "postgres", server = "ledger"` leads to a second PostgreSQL; links that name no server
    share the one with their protocol's name. Raises UsageError, with `place`, for a server that two protocols would
    share, a name that is in use, a table `[servers.NAME]` that no link leads to, or a wrong key in one.
    """
    protocols = _protocols(description, place)
    for name in description.servers:
        if name not in protocols:
            problem = "no link leads to a server of this name"
            raise UsageError.at(f"{place}: [servers]", "name", name, problem, valid=protocols)
    return tuple(
        ServerWanted(
            name,
            protocol,
            check_document(OPTIONS.of(protocol), description.servers.get(name, {}), place=f"{place}: [servers.{name}]"),
        )
        for name, protocol in protocols.items()
    )


def _protocols(description: TargetDescription, place: str) -> Mapping[str, str]:
    """The protocol of each server, by the server's name."""
    found: dict[str, str] = {}
    for link, described in description.links.items():
        name, protocol = described.server_name, described.protocol
        where = f"{place}: [links.{link}]"
        if name in RESERVED or (name in PROTOCOLS and name != protocol):
            raise UsageError.at(where, "server", name, "this name is already in use", mend="give it another")
        if found.setdefault(name, protocol) != protocol:
            problem = f"an earlier link says that this server speaks {found[name]}, and this link says {protocol}"
            raise UsageError.at(where, "server", name, problem, mend=f"name another server for [links.{link}]")
    return found
