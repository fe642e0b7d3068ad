"""Faults of the service's own process: it is killed, ended, paused, or started with a wrong setting."""

from __future__ import annotations

import ipaddress
import signal
import time
from dataclasses import dataclass, field
from typing import ClassVar
from urllib.parse import urlsplit

import psutil

from harness.errors import HarnessError
from harness.faults.evidence import EvidenceKind
from harness.faults.example import SOME, Example, Ground
from harness.faults.fault import WHOLE_LINK, Connections, Fault, Injection, Need
from harness.faults.messages.timing import TimedFault
from harness.faults.processes.clock import Clock
from harness.faults.processes.end import Kill, Terminate
from harness.faults.processes.limit import Limit
from harness.faults.processes.output import LoseOutput
from harness.faults.site import Site
from harness.polling import poll
from harness.protocols.contract.about import ABOUT
from harness.stack.servers.urls import checked_url
from harness.stack.tcp.sockets import closed_by_clients, kept_waiting
from harness.target.placeholders import NAMED_URL
from harness.vocabulary import ANY_OUTCOME, Link

STOPPED_WITHIN_S = 5.0
PROCESS_STOPPED = EvidenceKind("process_stopped", "kernel", "the process is stopped, and a client waits for it")
WRONG_ADDRESS_DIALLED = EvidenceKind("wrong_address_dialled", "seccomp", "the service dialled the wrong address")
WRONG_NAME_LOOKED_UP = EvidenceKind("wrong_name_looked_up", "name server", "the service asked for the wrong name")
NAMES_OF_NOBODY = (".invalid", ".test")
"""Endings of names that never exist (RFC 6761)."""


@dataclass(frozen=True, repr=False)
class Pause(TimedFault, kind="process.pause"):
    """The service is stopped with SIGSTOP, and continued with SIGCONT when healed.

    For example::

        paused = process.pause()
        async with lab.inject(paused), lab.deliver(expect=ANY_OUTCOME):
            await lab.until(paused.fired())

    While it is stopped the kernel still accepts connections for it (listen(2): the backlog), so clients wait. `fired`
    counts those clients. A process cannot catch or ignore SIGSTOP (signal(7)).

    Args:
        at: when it strikes. At a message, such as `postgres.sent("COMMIT")`, the relay holds that message until
            the fault has struck. At another moment it strikes as soon as the moment is seen. None: when it is injected.
    """

    does: ClassVar[str] = "freeze the service (SIGSTOP)"
    of_the_process: ClassVar[bool] = True
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (PROCESS_STOPPED,)

    @classmethod
    def example(cls, ground: Ground) -> Example:  # noqa: ARG003  # the signature is Fault's
        """It delays a delivery."""
        return Example(cls(), met="until met", expect=ANY_OUTCOME)

    def injection(self, site: Site) -> Injection:
        """Stop it; wait until the kernel reports that it is stopped."""
        return _Pause(site)


@dataclass(frozen=True, repr=False)
class Misconfigure(Fault, kind="process.misconfigure"):
    """The service is restarted with this URL instead of the link's. Healing restarts it with the right one.

    For example::

        async with lab.inject(process.misconfigure(redis, url="redis://127.0.0.1:1")):
            await lab.deliver()

    The URL's host must be this machine's loopback, or one that you have allowed by name, because the service connects
    to it. An IPv6 link-local address without an interface (`fe80::1`) is allowed, too: the kernel answers EINVAL and
    sends nothing. A name that ends with `.invalid` or `.test` is allowed, too, if the target gives a link a name: the
    harness's name server then answers that there is no such name.

    Args:
        link: the link whose URL is replaced.
        url: what the service gets instead.

    Raises:
        UsageError: when it is injected, if the host may not be used.
    """

    does: ClassVar[str] = "start the service with a wrong URL of {fault.link}"
    takes: ClassVar[frozenset[Connections]] = WHOLE_LINK
    needs: ClassVar[frozenset[Need]] = frozenset({"seccomp"})
    evidence: ClassVar[tuple[EvidenceKind, ...]] = (WRONG_ADDRESS_DIALLED, WRONG_NAME_LOOKED_UP)
    link: Link
    url: str = field(kw_only=True)

    @classmethod
    def example(cls, ground: Ground) -> Example:
        """The service cannot reach the link: a delivery that needs it is refused."""
        fault = cls(ground.link, url=ground.sample.dead_url)
        return Example(fault, deliveries=SOME, expect=ground.without_link)

    def injection(self, site: Site) -> Injection:
        """Restart it with the wrong URL. Raises UsageError for a host that is not allowed."""
        if not _goes_nowhere(self.url) and not (site.resolver and _is_of_nobody(self.url)):
            schemes = {urlsplit(self.url).scheme}  # any scheme is allowed: the wrong one may be the fault
            checked_url(
                f"{self.kind} url", self.url, schemes=schemes, default_port=ABOUT.of(self.link.protocol).port,
                allow_hosts=site.allow_hosts,
            )  # fmt: skip
        return _Misconfigure(self, site)


class _Pause(Injection):
    def __init__(self, site: Site) -> None:
        self._site = site
        self._stopped_pid: int | None = None
        self._gone: frozenset[int] = frozenset()
        self._hushed = False

    async def act(self) -> None:
        self._hushed = True
        await self._site.asking.hush()
        if not self._site.service.signal(signal.SIGSTOP, ends_it=False):
            return
        self._stopped_pid = self._site.service.process.pid
        process = psutil.Process(self._stopped_pid)
        if not await poll(lambda: process.status() == psutil.STATUS_STOPPED, within_s=STOPPED_WITHIN_S):
            raise HarnessError(f"the service still runs {STOPPED_WITHIN_S:g} s after SIGSTOP")
        # A client whose end the service had no time to read was answered, or gave up, before that: it does not wait.
        self._gone = closed_by_clients(self._site.service.port)

    async def fired(self) -> int:
        """How many clients wait for the stopped service. Without a waiting client the pause has had no effect."""
        if self._stopped_pid is None:
            return 0
        return kept_waiting(self._site.service.port, besides=self._gone)

    async def heal(self) -> None:
        waiting = await self.fired()
        if waiting:
            self._site.saw(PROCESS_STOPPED, f"pid {self._stopped_pid} is stopped, and {waiting} clients wait for it")
        if self._stopped_pid == self._site.service.process.pid:
            self._site.service.signal(signal.SIGCONT, ends_it=False)
        self._stopped_pid = None
        if self._hushed:
            self._site.asking.allow()
        self._hushed = False


class _Misconfigure(Injection):
    starts_anew = True

    def __init__(self, fault: Misconfigure, site: Site) -> None:
        self._fault = fault
        self._site = site
        self._laid = site.laid(fault.link)
        self._acted = False
        self._calls_mark = 0
        self._since_ns = 0

    async def act(self) -> None:
        self._acted = True
        self._since_ns = time.monotonic_ns()
        self._calls_mark = len(self._site.service.syscall_events())
        await self._site.service.stop()
        await self._site.service.start(self._changed())

    def _changed(self) -> dict[str, str]:
        right = [self._laid.words[word] for word in ("url", NAMED_URL) if word in self._laid.words]
        # A query may follow the URL: how to use TLS, and which certificate to trust.
        settings = self._site.service.environment.items()
        changed = {key: self._fault.url for key, text in settings if text.partition("?")[0] in right}
        if not changed:
            raise HarnessError(
                f"no setting of the service holds the URL of {self._fault.link}",
                hint=f"give it one that is '{{{self._fault.link}.url}}' in the target description",
            )
        return changed

    def _calls(self) -> int:
        """Connects of the service to the wrong address since then. Connects to a link's port do not count."""
        right = {laid.port for laid in self._site.links.values()}
        wrong = urlsplit(self._fault.url).port or ABOUT.of(self._fault.link.protocol).port
        calls = self._site.service.syscall_events()[self._calls_mark :]
        return sum(1 for call in calls if call.port == wrong and call.port not in right)

    def _look_ups(self) -> int:
        """The service's queries for the wrong name since then."""
        resolver, name = self._site.resolver, urlsplit(self._fault.url).hostname
        queries = () if resolver is None else resolver.queries
        return sum(1 for query in queries if query.name == name and query.t_ns >= self._since_ns)

    async def fired(self) -> int:
        return self._calls() + self._look_ups() if self._acted else 0

    async def heal(self) -> None:
        if not self._acted:
            return
        if self._look_ups():
            name = urlsplit(self._fault.url).hostname
            self._site.saw(WRONG_NAME_LOOKED_UP, f"{self._look_ups()} questions of the service's for {name}")
        if self._calls():
            self._site.saw(WRONG_ADDRESS_DIALLED, f"{self._calls()} connects of the service for {self._fault.url}")
        await self._site.service.stop()
        await self._site.service.start({})
        self._acted = False


def _is_of_nobody(url: str) -> bool:
    """Whether the URL's host is a name that never exists."""
    return (urlsplit(url).hostname or "").endswith(NAMES_OF_NOBODY)


def _goes_nowhere(url: str) -> bool:
    """Whether the URL's host is an IPv6 link-local address without an interface."""
    try:
        address = ipaddress.IPv6Address(urlsplit(url).hostname or "")
    except ValueError:
        return False
    return address.is_link_local and address.scope_id is None


kill, terminate, pause, misconfigure, clock = Kill, Terminate, Pause, Misconfigure, Clock
limit, lose_output = Limit, LoseOutput
