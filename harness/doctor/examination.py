"""Runs all examinations. One that breaks becomes a finding, and the others go on."""

from __future__ import annotations

import functools
from collections.abc import Callable

from harness.doctor import machine, network, servers
from harness.doctor.report import Finding, Report
from harness.errors import HarnessError
from harness.processes.icmp import raw_available
from harness.processes.keeper import user_namespaces_available
from harness.processes.socket_filter import filters_available
from harness.processes.syscalls import notification_available
from harness.protocols.contract.about import ABOUT
from harness.stack import StackConfiguration
from harness.stack.on_path import POOLER
from harness.stack.prometheus import prometheus_available


def examine(configuration: StackConfiguration | None = None) -> Report:
    """Look at this machine for what the stack of this configuration, and the faults, need.

    Takes some 0.2 s: most things are tried, not looked up. Never raises, downloads,
    builds, or asks a server that was given by URL.
    """
    wanted = configuration or StackConfiguration()
    looks: list[tuple[str, bool, Callable[[], Finding]]] = [
        ("Python", True, machine.python),
        ("platform", True, machine.system),
        *(
            (about.title, not about.optional, functools.partial(servers.server, name, wanted))
            for name, about in ABOUT.all().items()
        ),
        ("Toxiproxy", True, lambda: servers.toxiproxy(wanted)),
        ("Go", False, servers.go),
        ("pip or uv", False, servers.installer),
        ("cache folder", False, machine.cache),
        ("temporary folder", True, machine.temporary_folder),
        ("seccomp notification", False, lambda: Finding.of(notification_available())),
        ("user namespaces", False, lambda: Finding.of(user_namespaces_available())),
        ("network namespaces", False, network.namespaces),
        ("Prometheus", False, lambda: Finding.of(prometheus_available())),
        ("PgBouncer", False, lambda: Finding.of(POOLER.available())),
        ("socket filters", False, lambda: Finding.of(filters_available())),
        ("raw sockets", False, lambda: Finding.of(raw_available())),
        ("ptrace scope", False, machine.ptrace_scope),
        ("socket statistics", True, network.socket_statistics),
        ("IPv6 loopback", False, network.ipv6_loopback),
        ("IPv6 link-local EINVAL", False, network.link_local_einval),
    ]
    return Report(tuple(_look(name, look, required=required) for name, required, look in looks))


def _look(name: str, look: Callable[[], Finding], *, required: bool) -> Finding:
    try:
        return look()
    except HarnessError as error:
        return Finding(name, ok=False, detail=error.message, mend=error.hint, required=required)
    except Exception as error:  # noqa: BLE001 - nothing is lost: it is the finding
        detail = f"could not be found out: {type(error).__name__}: {error}"
        return Finding(
            name,
            ok=False,
            detail=detail,
            mend="report this line: it is a defect of the doctor itself",
            required=required,
        )
