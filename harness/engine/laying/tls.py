"""TLS on a service's links: which authority it must trust, and why a handshake with the relay failed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.addresses import HostPort
from harness.engine.laying.names import by_address
from harness.protocols.contract.storage import Own
from harness.relay import Ended, RelayControl, RelayServer, TlsMode
from harness.target.placeholders import CA_FILE
from harness.target.sections.link import LinkDescription

Words = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reached:
    """A server and the template on it that `prepare` is to fill."""

    own: Own
    address: HostPort


def mode(described: LinkDescription) -> TlsMode:
    """Return what the relay does about TLS on a link."""
    return "required" if described.tls else "none"


async def authority(folder: Path, relay: RelayControl, described: LinkDescription) -> Path | None:
    """Write the certificate of the relay's authority into `folder` and return the file; None if the link has no TLS."""
    if not described.tls:
        return None
    file, certificate = folder / f"{CA_FILE}.pem", await relay.certificate()
    if not file.exists():
        # Written in one piece, because another service may be reading it.
        written = file.with_suffix(".new")
        written.write_bytes(certificate)
        written.replace(file)
    return file


def words_of(ca_file: Path | None) -> Words:
    """Return the values of the placeholders that only a link with TLS has."""
    return {} if ca_file is None else {CA_FILE: str(ca_file)}


@contextmanager
def laid_for_prepare(
    relay: RelayServer, folder: Path, links: Mapping[str, LinkDescription], to: Mapping[str, Reached]
) -> Iterator[Mapping[str, Words]]:
    """Return the placeholders of each link for `prepare`, which finds TLS wherever the service will.

    `to`: the target addresses by link name. Without TLS the placeholders lead straight to the servers.
    """
    direct = {
        name: by_address(to[name].own.words(to[name].address, tls=False), described)
        for name, described in links.items()
    }
    if not any(described.tls for described in links.values()):
        yield direct
        return
    with asyncio.Runner() as loop:
        control = relay.control()
        loop.run(control.__aenter__())
        try:
            in_tls = {
                name: loop.run(_through(control, name, described, to[name], folder))
                for name, described in links.items()
                if described.tls
            }
            yield {**direct, **in_tls}
        finally:
            loop.run(control.close())


async def _through(relay: RelayControl, name: str, described: LinkDescription, to: Reached, folder: Path) -> Words:
    hop = await relay.lay(f"{name}-prepare", protocol=described.protocol, upstream=to.address, tls=mode(described))
    words = by_address(to.own.words(hop.address, tls=True), described)
    return {**words, **words_of(await authority(folder, relay, described))}


async def told_with_tls(relay: RelayControl, hops: Mapping[str, str], problem: str) -> str:
    """Add the TLS failures so far, if any, to a problem of the service's. `hops`: by link name."""
    failed = await _failed(relay, hops)
    return f"{problem}; {_told(failed)}" if failed else problem


async def never_agreed(relay: RelayControl, hops: Mapping[str, str]) -> str:
    """Report links on which TLS failed and never succeeded; "" if there are no such links.

    Otherwise a service that can do without a server would pass as one that uses it.
    """
    failed = await _failed(relay, hops)
    silent = {name: why for name, why in failed.items() if not await relay.seen(hops[name])}
    return _told(silent) if silent else ""


async def _failed(relay: RelayControl, hops: Mapping[str, str]) -> Mapping[str, Counter[str]]:
    """Return which TLS errors each link had, and how often, as the relay reports them."""
    await relay.sync()
    ended = [report for report in relay.reports() if isinstance(report, Ended) and report.why]
    found = {name: Counter(report.why for report in ended if report.hop == hop) for name, hop in hops.items()}
    return {name: why for name, why in found.items() if why}


def _told(failed: Mapping[str, Counter[str]]) -> str:
    links = [f"{name}: {why.total()} connections failed: {why.most_common(1)[0][0]}" for name, why in failed.items()]
    mend = ", ".join(f"{{{name}.{CA_FILE}}}" for name in failed)
    return f"{'; '.join(links)} (the link has tls = true: have the service speak TLS there, and trust {mend})"
