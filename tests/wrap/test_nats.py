"""`harness wrap` of a program that speaks NATS, where the server speaks first."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.processes.keeper import Keeper
from harness.protocols.contract.storage import Share
from harness.protocols.nats.server import NatsServer
from harness.protocols.nats.storage import STORAGE
from harness.stack import Launch, private_folder
from harness.stack.servers.deaths import DeathWatch
from tests.wrap.support import Wrapping, python

PROGRAM = """
import json, os, socket, sys
from urllib.parse import urlsplit

at = urlsplit(os.environ["NATS"])
with socket.create_connection((at.hostname, at.port)) as link, link.makefile("rb") as lines:
    assert lines.readline().startswith(b"INFO")
    login = json.dumps({"user": at.username, "pass": at.password, "verbose": False, "headers": True})
    link.sendall(f"CONNECT {login}\\r\\nSUB _INBOX.mine 1\\r\\nPING\\r\\n".encode())
    while lines.readline() != b"PONG\\r\\n":
        pass
    for subject, body in (("$JS.API.STREAM.CREATE.ORDERS", b'{"name": "ORDERS", "subjects": ["orders.*"]}'),
                          ("orders.new", b"one"), ("$JS.API.STREAM.DELETE.ORDERS", b"")):
        link.sendall(f"PUB {subject} _INBOX.mine {len(body)}\\r\\n".encode() + body + b"\\r\\n")
        head = lines.readline().split()
        answer = json.loads(lines.read(int(head[-1]) + 2)) if head else {"error": "lost"}
        if "error" in answer and subject == "orders.new":
            sys.exit("the order was not taken")
"""


@pytest.fixture
def nats_url(keeper: Keeper) -> Iterator[str]:
    """The URL of a service's account on a NATS of the test's own."""
    with (
        private_folder() as folder,
        NatsServer.start(Launch(keeper, folder, deaths=DeathWatch())) as server,
        asyncio.Runner() as runner,
    ):
        account = STORAGE.own(server, Share(link="nats", number=1))
        own = runner.run(account.__aenter__())
        yield own.words(server.address, tls=False)["url"]
        runner.run(account.__aexit__(None, None, None))


def test_publications_are_told_and_broken(nats_url: str, tmp_path: Path, wrapping: Wrapping) -> None:
    shown = wrapping("--", *python(PROGRAM), env={"NATS": nats_url})
    assert shown.returncode == 0, shown.stderr
    at = nats_url.rpartition("@")[2]
    assert f"  NATS at {at}; 1 connection; 3 statements (3 PUB)" in shown.stderr.splitlines()

    found = wrapping("--sweep", "--only", "PUB orders", "--", *python(PROGRAM))
    assert found.returncode == 1, found.stdout + found.stderr
    told = json.loads((tmp_path / ".results" / "latest" / "wrap.json").read_text("utf-8"))
    verdicts = {each["id"].rpartition("/")[2]: each["verdict"] for each in told["cells"]}
    assert verdicts == {"answer_lost": "failed", "cut_before": "failed", "error": "failed", "delay": "held"}
