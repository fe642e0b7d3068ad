"""A hop whose connections begin in TLS, in this process: what is cut before anything of it has begun."""

from __future__ import annotations

import asyncio
import socket

import pytest

from harness.addresses import HostPort
from harness.relay import Ended, Report
from harness.relay.connection.notes import HopKind
from harness.relay.hop.hop import HopServer
from harness.relay.hop.identity import Identity

WITHIN_S = 10.0


@pytest.mark.asyncio
async def test_a_connection_that_is_cut_as_soon_as_it_is_accepted_is_closed_and_forgotten() -> None:
    reports: list[Report] = []
    hop = HopServer(HopKind("hop", "redis", "required"), HostPort("127.0.0.1", 1), Identity(), reports.append, set())
    client, accepted = socket.socketpair()
    with client, accepted:
        pair = hop.new_pair()
        pair.enter_in_tls(accepted, 4711)
        assert hop.cut_all() == 1  # its task has not had a turn yet
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        assert await asyncio.wait_for(loop.sock_recv(client, 1), WITHIN_S) == b""
    (report,) = reports
    assert isinstance(report, Ended)
    assert (report.service_port, report.by) == (4711, "rule")
    assert not hop.pairs
