"""What any layer may know about a protocol without importing its server: its name, its words, what it keeps.

The implementation is `ABOUT` in `harness/protocols/NAME/about.py`. Every pytest run that loads the plugin imports that
module: it may import the standard library and this contract, nothing else of the harness and no client library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from harness.protocols.registry import PROTOCOLS, Facet

__all__ = ["ABOUT", "About", "receiving", "server_title", "storing"]


def _leaves_nothing(folder: Path) -> None:
    del folder


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """One protocol, for readers and for the checks of a target description."""

    title: str
    """Its server's name for readers: "PostgreSQL"."""
    choice: str
    """What a user may pass in place of "embedded", as the end of a help text: "a redis-server, or a redis:// URL"."""
    placeholders: tuple[str, ...]
    """A link's placeholders in the target: "url" for `{orders.url}`. The link's `Own` gives their values."""
    port: int = 0
    """Its servers' port if a URL names none; 0: a URL must name it."""
    images: tuple[str, ...] = ()
    """The names of its servers' images in users' compose files, without registry, owner and tag."""
    optional: bool = False
    """Whether its server does not come with the harness, so that users install it."""
    stores: bool = False
    """Whether a target may list the rows that the service has stored there (`[stored] link`): see `Probe.rows`."""
    receives: bool = False
    """Whether the harness can list the calls that its server has received (`[effects.NAME] calls`)."""
    counts_sessions: bool = False
    """Whether its server reports how many sessions a service has, and which are busy: see `Probe.sessions`."""
    replicates: bool = False
    """Whether the harness can put a standby behind a link that reads a replica (`[links.NAME] replica_of`), or a pooler
    in front of its server (`pool_of`)."""
    watched: bool = False
    """Whether the harness can let another server watch it and tell clients which one is the primary (`[links.NAME]
    sentinel_of`)."""
    remembers: bool = False
    """Whether a service can remember deliveries there by a key that the target names (`[links.NAME] remembers`)."""
    residue: Mapping[str, int | None] = field(default_factory=dict)
    """The kinds of residue that a service may leave on its server, counted at rest (`Probe.residue`), and their limits.
    None: no limit, unless the target sets one (`[residue]`)."""
    crash: str = ""
    """A regular expression for a line of its server's log that reports a crash, after which it may have recovered by
    itself."""
    remove_leftovers: Callable[[Path], None] = _leaves_nothing
    """Remove what killed servers of this folder have left elsewhere. Called before the folder is removed, also for
    another, dead run's folder; must not raise if nothing is left."""


ABOUT: Final[Facet[About]] = Facet("about", "ABOUT")


def server_title(protocol: str, name: str) -> str:
    """The name of a server for readers: "PostgreSQL", or "PostgreSQL (ledger)" if its name is not the protocol's."""
    title = ABOUT.of(protocol).title
    return title if name == protocol else f"{title} ({name})"


def receiving() -> tuple[str, ...]:
    """The protocols whose servers can list the calls that they have received."""
    return tuple(name for name in PROTOCOLS if ABOUT.of(name).receives)


def storing() -> tuple[str, ...]:
    """The protocols whose servers can list a service's stored rows."""
    return tuple(name for name in PROTOCOLS if ABOUT.of(name).stores)
