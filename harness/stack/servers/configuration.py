"""Where the servers of a stack come from: the harness starts them, or the user runs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.errors import UsageError
from harness.protocols.contract.options import ServerWanted
from harness.protocols.registry import PROTOCOLS
from harness.stack.servers.urls import PLACE, is_url, redacted
from harness.stack.toxiproxy.build import BUILD

EMBEDDED: Final = "embedded"


@dataclass(frozen=True, slots=True, kw_only=True)
class StackConfiguration:
    """Which servers to use.

    `servers`: by a protocol, for all its servers, or by one server's name, which outranks its protocol: "embedded" (the
    default), the path of a program, or the URL of a running server. The protocol decides what a path may name
    (`About.choice`). `toxiproxy`: "build", the path of a toxiproxy-server, or an `http://` URL. A URL's host must be
    this machine's loopback, or be exactly as in `allow_hosts`.
    """

    servers: Mapping[str, str] = field(default_factory=dict)
    toxiproxy: str = BUILD
    allow_hosts: frozenset[str] = frozenset()

    def place_of(self, wanted: ServerWanted) -> str:
        """Return where one server is to come from."""
        return self.servers.get(wanted.name) or self.servers.get(wanted.protocol) or EMBEDDED

    def asked_for(self) -> Iterable[tuple[str, str]]:
        """Return the options that differ from their defaults: ("--redis", "redis://...")."""
        for name, place in self.servers.items():
            yield (f"--{name}", place) if name in PROTOCOLS else ("--server", f"{name}={place}")
        if self.toxiproxy != BUILD:
            yield "--toxiproxy", self.toxiproxy
        for host in sorted(self.allow_hosts):
            yield "--allow-host", host

    def check(self, wanted: Sequence[ServerWanted]) -> None:
        """Refuse values that fit no stack of these servers. Raises UsageError."""
        names = [each.name for each in wanted]
        for name in self.servers:
            if name not in PROTOCOLS and name not in names:
                raise UsageError.at(PLACE, "server", name, "the target has no server of this name", valid=names)
        for place, sharing in _grouped(self.place_of, wanted).items():
            if is_url(place) and len(sharing) > 1:
                problem = f"one server cannot be {' and '.join(each.name for each in sharing)}"
                mend = f"give each its own: --server {sharing[-1].name}=URL"
                raise UsageError.at(PLACE, sharing[0].protocol, redacted(place), problem, mend=mend)


def _grouped(
    place_of: Callable[[ServerWanted], str], wanted: Sequence[ServerWanted]
) -> Mapping[str, list[ServerWanted]]:
    found: dict[str, list[ServerWanted]] = {}
    for each in wanted:
        found.setdefault(place_of(each), []).append(each)
    return found


def configuration_of(
    given: Mapping[str, str | None], named: Iterable[str] = (), allow_hosts: Iterable[str] = ()
) -> StackConfiguration:
    """Return the configuration that the options describe.

    `given`: values by option name; None or empty means not given. `named`: "NAME=X", for one server. Raises UsageError
    for another form.
    """
    servers = {name: place for name in PROTOCOLS if (place := given.get(name)) and place != EMBEDDED}
    for text in named:
        name, equals, place = text.partition("=")
        if not (name and equals and place):
            raise UsageError.at(PLACE, "server", text, "names no server", mend="write NAME=PATH or NAME=URL")
        servers[name] = place
    return StackConfiguration(
        servers=servers, toxiproxy=given.get("toxiproxy") or BUILD, allow_hosts=frozenset(allow_hosts)
    )
