"""A connection over NATS that holds a little of everything, for the tests of the contract."""

from __future__ import annotations

from collections.abc import Sequence

from harness.protocols.contract.frames import Direction

TALK: Sequence[tuple[Direction, bytes]] = (
    ("answered", b'INFO {"server_id":"N","version":"2.15.1","headers":true} \r\n'),
    ("sent", b'CONNECT {"verbose":false,"headers":true}\r\nPING\r\n'),
    ("answered", b"PONG\r\n"),
    ("sent", b"SUB _INBOX.a.* 1\r\nSUB orders.* workers 2\r\n"),
    ("sent", b"PUB orders.new _INBOX.a.1 5\r\nhello\r\n"),
    ("sent", b"HPUB orders.new 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"),
    ("answered", b'MSG _INBOX.a.1 1 25\r\n{"stream":"ORDERS","seq":1}'[:-2] + b"\r\n"),
    ("answered", b"MSG orders.new 2 5\r\nhello\r\nHMSG orders.new 2 $JS.ACK.x 12 14\r\nNATS/1.0\r\n\r\nhi\r\n"),
    ("sent", b"PUB $JS.ACK.x 4\r\n+ACK\r\nUNSUB 2\r\n"),
    ("answered", b"PING\r\n+OK\r\n-ERR 'Slow Consumer'\r\n"),
    ("sent", b"PONG\r\n"),
)
