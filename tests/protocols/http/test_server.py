"""The stub: a real process, asked by clients that are not ours."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from harness.errors import HarnessError, UsageError
from harness.processes.keeper import Keeper
from harness.protocols.contract.storage import Share
from harness.protocols.http.options import Answer, HttpOptions
from harness.protocols.http.server import HttpServer
from harness.protocols.http.storage import STORAGE
from harness.stack.servers.server import Launch

OPTIONS = HttpOptions(
    answers=[
        Answer(request="POST /charges", status=201, headers={"X-Charged": "yes"}, body='{"charged": true}'),
        Answer(request="GET /charges", chunks=["one", "another"]),
        Answer(request="DELETE /", status=204),
        Answer(request="GET /odd", status=299),
    ]
)


@pytest.fixture
def stub(keeper: Keeper, folder: Path) -> Iterator[HttpServer]:
    with HttpServer.start(Launch(keeper, folder), options=OPTIONS) as server:
        yield server


def test_it_gives_the_answers_that_are_described_and_keeps_the_connection(stub: HttpServer) -> None:
    with httpx.Client(base_url=stub.url, trust_env=False) as client:
        charged = client.post("/charges/7", content=b"five")
        assert (charged.status_code, charged.headers["X-Charged"], charged.json()) == (201, "yes", {"charged": True})
        listed = client.get("/charges")
        assert (listed.headers["Transfer-Encoding"], listed.text) == ("chunked", "oneanother")
        assert client.delete("/x").status_code == 204
        assert client.get("/odd").status_code == 299
        missing = client.get("/nothing")
        assert (missing.status_code, "no answer is described for GET /nothing" in missing.text) == (404, True)
    received = stub.received()
    assert [(each.connection, each.request, each.body, each.status) for each in received] == [
        (received[0].connection, "POST /charges/7", "five", 201),
        (received[0].connection, "GET /charges", "", 200),
        (received[0].connection, "DELETE /x", "", 204),
        (received[0].connection, "GET /odd", "", 299),
        (received[0].connection, "GET /nothing", "", 404),
    ]


def test_a_body_is_asked_for_where_the_client_waits(stub: HttpServer) -> None:
    with closing(socket.create_connection((stub.host, stub.port), 20)) as client:
        client.sendall(b"POST /charges HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        client.sendall(b"five")
        assert client.recv(1000).startswith(b"HTTP/1.1 201 Created")


def test_what_has_not_come_as_a_whole_has_not_arrived(stub: HttpServer) -> None:
    with closing(socket.create_connection((stub.host, stub.port), 20)) as client:
        client.sendall(b"POST /charges HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nfi")
    with httpx.Client(base_url=stub.url, trust_env=False) as after:
        after.get("/charges")
    assert [each.request for each in stub.received()] == ["GET /charges"]


def test_it_is_started_again_on_its_port(stub: HttpServer) -> None:
    url = stub.url
    stub.crash()
    stub.start_again()
    stub.restart()
    assert httpx.get(f"{url}/charges", trust_env=False).text == "oneanother"


def test_a_server_of_the_users_is_asked_for_nothing(stub: HttpServer) -> None:
    with HttpServer.at_url(f"{stub.url}/api", name="payments") as given:
        assert (given.name, given.port, given.url) == ("payments", stub.port, f"{stub.url}/api")
        with pytest.raises(HarnessError, match="given by URL"):
            given.received()
    assert stub.received() == []
    assert httpx.get(f"{stub.url}/charges", trust_env=False).is_success  # it was left alone


def test_only_this_machine_is_touched_and_only_where_somebody_listens(stub: HttpServer) -> None:
    with pytest.raises(UsageError, match=r"--allow-host payments\.example"):
        HttpServer.at_url("http://payments.example")
    with pytest.raises(UsageError, match="unknown scheme 'https'"):
        HttpServer.at_url("https://127.0.0.1")
    stub.stop()
    with pytest.raises(UsageError, match="no server accepts connections"):
        HttpServer.at_url(stub.url)


def test_there_is_no_program_to_name() -> None:
    with pytest.raises(UsageError, match="the stub has no other program"):
        HttpServer.find("/usr/sbin/nginx")


@pytest.mark.asyncio
async def test_calls_are_found_since_the_service_began_but_no_errors(stub: HttpServer) -> None:
    async with httpx.AsyncClient(base_url=stub.url, trust_env=False) as client:
        await client.post("/charges", content=b"id=msg_a")
        async with STORAGE.own(stub, Share(link="bank", number=1)) as own:
            for path, body in (("/charges", b"id=msg_a"), ("/charges", b"id=msg_b"), ("/charges", b"id=msg_b")):
                await client.post(path, content=body)
            await client.put("/charges", content=b"id=msg_c")
            rows = await own.probe().rows(r"/charges id=(?P<id>\w+)", None)
            assert sorted(rows) == [("msg_a", "", 1), ("msg_b", "", 2)]
            assert await own.probe().rows(r"/charges id=(?P<id>\w+)", ["msg_a"]) == [("msg_a", "", 1)]
