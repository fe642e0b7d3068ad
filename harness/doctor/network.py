"""Tries what the kernel allows us to do with the network, on this machine's own addresses."""

from __future__ import annotations

import errno
import os
import socket

from harness.doctor.report import Finding
from harness.processes.bare import run_probe
from harness.stack.tcp.sockets import listening

LINK_LOCAL = "fe80::1"
IPV6_OFF = "turn IPv6 on: sysctl net.ipv6.conf.all.disable_ipv6=0 (in Docker: --sysctl), or boot without ipv6.disable=1"


def ipv6_loopback() -> Finding:
    """Whether ::1 can be bound."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as trial:
            trial.bind(("::1", 0))
    except OSError as error:
        return Finding("IPv6 loopback", ok=False, detail=_name(error), mend=IPV6_OFF)
    return Finding("IPv6 loopback", ok=True, detail="::1 can be bound")


def link_local_einval() -> Finding:
    """Whether a connect() to a link-local address without a scope gets EINVAL, as in the incident's Error 22.

    The kernel refuses it before any packet is made.
    """
    name = "IPv6 link-local EINVAL"
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as trial:
            trial.setblocking(False)
            trial.connect((LINK_LOCAL, 9))
    except OSError as error:
        said = f"connect to {LINK_LOCAL}: {_name(error)}"
        return Finding(name, error.errno == errno.EINVAL, said, IPV6_OFF)
    return Finding(name, ok=False, detail=f"connect to {LINK_LOCAL} did not fail", mend=IPV6_OFF)


def socket_statistics() -> Finding:
    """Check that the kernel reports TCP sockets, and /proc their processes. Raises the error of either."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        found = listening(listener.getsockname()[1], pids=[os.getpid()])
    mend = "load the kernel module tcp_diag, and mount /proc without hidepid for this user"
    detail = "by sock_diag and /proc" if found else "our own listener was not found"
    return Finding("socket statistics", bool(found), detail, mend, required=True)


def namespaces() -> Finding:
    """Whether we can have a network of our own, with its loopback up. Raises HarnessError if that cannot be tried."""
    status, said = run_probe("harness.processes.network_trial")
    name = "network namespaces"
    if status == 0:
        return Finding(name, ok=True, detail="entered one and brought its loopback up")
    why = f"{os.strerror(status)} ({errno.errorcode[status]})" if status in errno.errorcode else f"status {status}"
    mend = "allow user namespaces (see above), and sysctl user.max_net_namespaces=10000"
    return Finding(name, ok=False, detail=f"refused: {why}{': ' + said if said else ''}", mend=mend)


def _name(error: OSError) -> str:
    return f"{error.strerror} ({errno.errorcode.get(error.errno or 0, '?')})"
