"""The observed connections of a command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.addresses import HostPort
from harness.processes.syscalls import NotLed
from harness.protocols.contract.frames import GARBAGE
from harness.protocols.contract.speech import SPEECH
from harness.relay import KindOfMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSeen:
    """A server that the command connected to through the relay.

    `name`: its hop's name. `protocol`: "" if no connection has carried bytes. `begins_in_tls`: the clients begin with
    TLS. `connects`: their number; `kinds`: their messages.
    """

    name: str
    address: HostPort
    protocol: str = ""
    begins_in_tls: bool = False
    connects: int = 0
    kinds: Sequence[KindOfMessage] = ()

    @property
    def statements(self) -> Mapping[str, int]:
        """How many statements, commands or requests there were, by their first word; the most frequent first."""
        found = Counter[str]()
        for kind in self.kinds:
            if kind.runs:
                found[kind.word or kind.message] += kind.count
        return dict(found.most_common())

    @property
    def not_understood(self) -> int:
        """How many messages could not be read. Each lasts to the end of its connection."""
        return sum(kind.count for kind in self.kinds if kind.message == GARBAGE)

    @property
    def is_opaque(self) -> bool:
        """Whether its protocol has no messages: only bytes pass."""
        endless = SPEECH.of(self.protocol).grammar.endless if self.protocol else frozenset()
        return bool(self.kinds) and all(kind.message in endless for kind in self.kinds)

    @property
    def agreed_on_tls(self) -> bool:
        """Whether the unreadable bytes came after the client had asked for TLS within the protocol."""
        tls = SPEECH.of(self.protocol).tls if self.protocol else None
        asked = tls is not None and any(kind.message == tls.answer for kind in self.kinds)
        return asked and self.not_understood > 0


@dataclass(frozen=True, slots=True)
class PassedBy:
    """Connects that were not redirected to the relay: their address, the reason, and their number."""

    address: HostPort
    why: NotLed
    connects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenConnections:
    """All observations. `local`: connects to Unix sockets by path, which are not redirected."""

    servers: Sequence[ServerSeen] = ()
    passed: Sequence[PassedBy] = ()
    local: Mapping[str, int] = field(default_factory=dict)
