"""The relay's side of its control connections: JSON lines with requests, answers and reports."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final

from harness.addresses import HostPort
from harness.errors import HarnessError, UsageError
from harness.relay.connection.notes import HopKind
from harness.relay.control.reports import Report
from harness.relay.hop.hop import HopServer, unknown_hop
from harness.relay.hop.identity import Identity
from harness.relay.hop.losses import Loss
from harness.relay.rules.rule import Rule
from harness.vocabulary.value import Json

LINE_BYTES_MAX: Final = 16 * 1024 * 1024

Request = Mapping[str, Any]


class ControlSession:
    """One control connection. When it ends, its hops and rules end, too."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, identity: Identity) -> None:
        self._reader = reader
        self._writer = writer
        self._identity = identity
        self._hops: dict[str, HopServer] = {}
        self._rules: dict[str, Rule] = {}
        self._fired: set[str] = set()
        self._verbs: Mapping[str, Callable[[Request], Awaitable[Json] | Json | Iterable[Report]]] = {
            "lay": self._lay,
            "certificate": self._certificate,
            "refuse": self._refuse,
            "handshakes": self._handshakes,
            "troubled": self._troubled,
            "lead": lambda request: self._hop(request["hop"]).lead(HostPort(request["host"], request["port"])),
            "cut_all": lambda request: self._hop(request["hop"]).cut_all(),
            "arm": self._arm,
            "disarm": self._disarm,
            "release": self._release,
            "sync": lambda _request: None,
            "lose": lambda request: self._hop(request["hop"]).losses.begin(
                request["loss"], Loss.from_json(request["what"])
            ),
            "lost": lambda request: self._hop(request["hop"]).losses.lost(request["loss"]).to_json(),
            "restore": lambda request: (
                self._hop(request["hop"]).losses.end(request["loss"], gone=request["gone"]).to_json()
            ),
            "traffic": lambda request: self._hop(request["hop"]).traffic(),
            "kinds": lambda request: self._hop(request["hop"]).kinds(),
            "near_misses": self._near_misses,
            "seen": lambda request: self._hop(request["hop"]).seen(request["since_ns"]),
            "record": self._record,
            "count_tries": lambda request: self._hop(request["hop"]).count_tries(request["subjects"], request["noted"]),
            "tries": lambda request: self._hop(request["hop"]).tries().to_json(),
            "recording": lambda request: self._hop(request["hop"]).recording(),
        }

    async def serve(self) -> None:
        """Answer requests until the connection ends, then end everything that belongs to it."""
        try:
            while line := await self._reader.readline():
                await self._answer(json.loads(line))
        except ConnectionError:
            pass  # the harness has closed the connection: clean up below
        finally:
            for hop in self._hops.values():
                hop.close()
            self._writer.close()

    def tell(self, report: Report) -> None:
        """Send a report that is no answer to a request."""
        if not self._writer.is_closing():
            self._write({"report": report.to_json()})

    # ------------------------------------------------------------------ inside

    async def _answer(self, request: Request) -> None:
        number = request["id"]
        try:
            answer = self._verbs[request["do"]](request)
            if isinstance(answer, Awaitable):
                answer = await answer
            if isinstance(answer, Iterable) and not isinstance(answer, str | list | dict):
                for item in answer:
                    self._write({"id": number, "item": item.to_json()})
                    await self._writer.drain()
                self._write({"id": number, "items": True})
            else:
                self._write({"id": number, "done": answer})
        except HarnessError as error:
            told = {"message": error.message, "hint": error.hint, "usage": isinstance(error, UsageError)}
            self._write({"id": number, "error": told})

    def _write(self, message: Mapping[str, Any]) -> None:
        self._writer.write(json.dumps(message, separators=(",", ":")).encode() + b"\n")

    def _hop(self, name: str) -> HopServer:
        hop = self._hops.get(name)
        if hop is None:
            raise unknown_hop(name, self._hops)
        return hop

    async def _lay(self, request: Request) -> Json:
        name = request["name"]
        if name in self._hops:
            raise UsageError.at("relay", "hop", name, "a hop of this name exists already", mend="give it another name")
        kind = HopKind(name, request["protocol"], request["tls"])
        if kind.tls == "offered" and kind.speech.tls is None:
            problem = f"a client of {request['protocol']} cannot ask for TLS: it starts with TLS or never uses it"
            raise UsageError.at("relay", "tls", kind.tls, problem, valid=("none", "required"), mend="write 'required'")
        if request["known_as"] is not None:
            self._identity.know(request["known_as"])
        upstream = None if request["host"] is None else HostPort(request["host"], request["port"])
        hop = HopServer(kind, upstream, self._identity, self.tell, self._fired)
        try:
            port = await hop.open()
        except OSError as error:
            raise HarnessError(f"hop {name!r}: no port to listen on: {error}") from error
        self._hops[name] = hop
        return port

    async def _certificate(self, _request: Request) -> Json:
        return await self._identity.authority_pem()

    async def _refuse(self, request: Request) -> Json:
        await self._hop(request["hop"]).refuse(refusing=request["refusing"])
        return None

    def _handshakes(self, request: Request) -> Json:
        return list[Json](self._hop(request["hop"]).trouble_handshakes(request["how"]))

    def _troubled(self, request: Request) -> Json:
        trouble = self._hop(request["hop"]).trouble
        return [0, 0] if trouble is None else list[Json](trouble.counts)

    def _arm(self, request: Request) -> Json:
        rule = Rule.from_json(request["rule"])
        hop = self._hop(rule.hop)
        known = self._rules.get(rule.id)
        if known is None:
            hop.arm(rule)
            self._rules[rule.id] = rule
        elif known != rule:
            mend = "disarm that one, or give this one another id"
            raise UsageError.at("rule", "id", rule.id, "another rule has this id", mend=mend)
        return None

    def _disarm(self, request: Request) -> Json:
        rule = self._rules.pop(request["rule"], None)
        if rule is not None:
            self._hop(rule.hop).disarm(rule.id)
        return None

    def _release(self, request: Request) -> Json:
        hop = self._hop_of_rule(request["rule"])
        return hop.release(request["rule"], connection=request["connection"], count=request["count"])

    def _near_misses(self, request: Request) -> Json:
        return list[Json](self._hop_of_rule(request["rule"]).near_misses(request["rule"]))

    def _record(self, request: Request) -> Json:
        self._hop(request["hop"]).record(recording=request["recording"])
        return None

    def _hop_of_rule(self, rule_id: str) -> HopServer:
        rule = self._rules.get(rule_id)
        if rule is None:
            raise UsageError.at("relay", "rule", rule_id, "no such rule is armed", valid=self._rules, mend="arm it")
        return self._hop(rule.hop)
