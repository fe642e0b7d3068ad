"""HTTP/1.1, as a client and a server write it."""

from __future__ import annotations


def request(line: str, *fields: str, body: bytes = b"") -> bytes:
    """A request; with a body comes its length."""
    length = [f"Content-Length: {len(body)}"] if body else []
    return head(f"{line} HTTP/1.1", "Host: 127.0.0.1", *fields, *length) + body


def response(status: int = 200, *fields: str, body: bytes = b"") -> bytes:
    """A response; its length comes always."""
    return head(f"HTTP/1.1 {status} Because", *fields, f"Content-Length: {len(body)}") + body


def chunked(*chunks: bytes, status: int = 200, trailer: str = "") -> bytes:
    """A response in chunks, with the last one."""
    return head(f"HTTP/1.1 {status} Because", "Transfer-Encoding: chunked") + chunks_of(*chunks, trailer=trailer)


def chunks_of(*chunks: bytes, trailer: str = "", extension: str = "") -> bytes:
    """A body in chunks."""
    return b"".join(chunk(each, extension) for each in chunks) + f"0{extension}\r\n{trailer}\r\n".encode()


def chunk(data: bytes, extension: str = "") -> bytes:
    return f"{len(data):x}{extension}\r\n".encode() + data + b"\r\n"


def head(*lines: str, end: str = "\r\n") -> bytes:
    return "".join(f"{line}{end}" for line in [*lines, ""]).encode("latin-1")


CHARGE = request("POST /charges", "Content-Type: application/json", body=b'{"amount": 5}')
CHARGED = response(201, body=b'{"charged": true}')
