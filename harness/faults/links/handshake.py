"""Faults within the TLS handshake between the service and its server, from ClientHello to Finished."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar, Final

from harness.errors import UsageError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import Connections, Injection
from harness.faults.links.closing import Cut
from harness.faults.links.toxic import LinkFault
from harness.faults.site import Site
from harness.relay.hop.handshakes import How

HANDSHAKE_MET = EvidenceKind("handshake_met", "relay", "the service began a TLS handshake, and it went like this")
WORDS: Final[dict[How, str]] = {
    "cut": "close the connection within",
    "stall": "say nothing within",
    "garbage": "answer with what is no TLS within",
    "declined": "say that there are none to those who ask for",
    "cut_in_answer": "close the connection in the middle of the server's answer in",
    "stall_in_answer": "stop in the middle of the server's answer in",
    "garbled": "change a bit of the server's answer in",
    "cut_at_finished": "close the connection after the client's Finished in",
    "expired": "present an expired certificate in",
    "other_name": "present the certificate of another name in",
    "other_authority": "present a certificate of another authority in",
}


@dataclass(frozen=True, repr=False)
class Handshake(LinkFault, kind="link.handshake"):
    """TLS handshakes of new connections fail. Open connections continue.

    For example::

        async with lab.inject(link.cut(postgres), link.handshake(postgres, how="stall")):
            await lab.deliver(expect=REFUSED)

    If the certificate is wrong, the service itself has to end the handshake, if it verifies (`sslmode=verify-full`, for
    example). The evidence says how many handshakes it ended: a service that goes on does not verify. The link must have
    `tls = true`.

    Args:
        link: the link that it strikes, such as `redis`.
        how: "cut": closed after the service has begun. "stall": never answered; closed when healed. "garbage": answered
            with bytes that are not TLS, and closed. "declined": if the service asks for TLS by its protocol, the answer
            is that there is none, and a service that goes on in plain text is served; in other protocols the same as
            "cut". "cut_in_answer", "stall_in_answer": the same in the middle of the server's answer, ServerHello to
            Finished. "garbled": a bit of that answer is wrong. "cut_at_finished": closed when the client has sent its
            Finished; for a client of TLS 1.3 the handshake is then complete. "expired", "other_name",
            "other_authority": the certificate has expired, or has another name or another authority.

    Raises:
        UsageError: `how` is something else; or, when it is injected, the link does not use TLS.
    """

    evidence: ClassVar[tuple[EvidenceKind, ...]] = (HANDSHAKE_MET,)
    takes: ClassVar[frozenset[Connections]] = frozenset({"new"})
    how: How = field(kw_only=True)

    def effect(self) -> str:
        """What the relay does, in which handshakes."""
        return f"{WORDS[self.how]} TLS handshakes on {self.link}"

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The open connections are cut, so that the service has to connect. Raises UsageError without TLS."""
        if not ground.tls:
            mend = f"add tls = true to [links.{ground.link.name}], or draft another fault"
            problem = "strikes within TLS, and the target has none"
            raise UsageError.at("harness new", "--fault", cls.kind, problem, mend=mend)
        fault = cls(ground.link, how="cut")
        return Example(fault, beside=(Cut(ground.link),), deliveries=SOME, expect=ground.without_link)

    def injection(self, site: Site) -> Injection:
        """Make handshakes fail until healed. Raises UsageError if the link does not use TLS."""
        if not site.laid(self.link).tls:
            mend = f"add tls = true to [links.{self.link.name}]"
            raise UsageError.at(self.kind, "link", self.link.name, "this link speaks no TLS", mend=mend)
        return _Troubled(self, site)


class _Troubled(Injection):
    def __init__(self, fault: Handshake, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._hop = site.laid(fault.link).hop
        self._on = False

    async def act(self) -> None:
        """From now on."""
        await self._site.relay.trouble_handshakes(self._hop, self._fault.how)
        self._on = True

    async def fired(self) -> int:
        """How many handshakes were struck."""
        return (await self._site.relay.troubled(self._hop))[0] if self._on else 0

    async def heal(self) -> None:
        """Stop breaking handshakes."""
        if not self._on:
            return
        met, failed = await self._site.relay.trouble_handshakes(self._hop, None)
        self._on = False
        if met:
            self._site.saw(HANDSHAKE_MET, f"{met} handshakes of the service's on {self._fault.link}, {failed} failed")
