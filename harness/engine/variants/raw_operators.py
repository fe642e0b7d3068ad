"""Changes to a request's lines: its method, path, version and header names, and how its body is sent."""

from __future__ import annotations

import dataclasses
import gzip
from collections.abc import Mapping
from dataclasses import replace

from harness.engine.variants.operators import KELVIN, SHORT
from harness.engine.variants.raw import LENGTH, Change, RawRequest

CODED = b"transfer-encoding"
TYPE = b"content-type"
ENCODING = b"content-encoding"
HOST = b"host"


def _renamed(old: bytes, new: bytes) -> Change:
    return lambda r: r.replaced(old, (new, r.value(old)))


def names_changed(name: bytes) -> Mapping[str, Change]:
    """How often a header is sent, and how its name is written."""
    first, _, rest = name.partition(b"-")
    return {
        "left out": lambda r: r.replaced(name),
        "sent twice": lambda r: r.replaced(name, (name, r.value(name)), (name, r.value(name))),
        "an empty one first": lambda r: r.replaced(name, (name, b""), (name, r.value(name))),
        "an empty one last": lambda r: r.replaced(name, (name, r.value(name)), (name, b"")),
        "a bad one first": lambda r: r.replaced(name, (name, b"x"), (name, r.value(name))),
        "a bad one last": lambda r: r.replaced(name, (name, r.value(name)), (name, b"x")),
        "name in capitals": _renamed(name, name.upper()),
        "name with underscores": _renamed(name, name.replace(b"-", b"_")),
        "name with x- before": _renamed(name, b"x-" + name),
        "name with more behind": _renamed(name, name + b"s"),
        "name cut": _renamed(name, rest or first[:-1]),
        "blank behind the name": _renamed(name, name + b" "),
        "blank before the name": _renamed(name, b" " + name),
        "folded": lambda r: r.replaced(name, (name, b"\r\n " + r.value(name))),
        "name not ASCII": _renamed(name, name.replace(b"k", KELVIN) if b"k" in name else name + b"\xe9"),
    }


def _path(new: bytes) -> Change:
    return lambda r: replace(r, path=new)


def _escaped(path: bytes, place: int) -> bytes:
    place %= len(path)
    return path[:place] + f"%{path[place]:02x}".encode() + path[place + 1 :]


def paths_changed(path: bytes) -> Mapping[str, Change]:
    """Other ways to write the path, and wrong paths."""
    parent = path.rpartition(b"/")[0]
    last = path.rpartition(b"/")[2]
    return {
        "slash behind": _path(path + b"/"),
        "two slashes behind": _path(path + b"//"),
        "slash before": _path(b"/" + path),
        "two slashes inside": _path(parent + b"//" + last),
        "last letter escaped": _path(_escaped(path, -1)),
        "first letter escaped": _path(_escaped(path, 1)),
        "slash escaped": _path(parent + b"%2f" + last),
        "escaped twice": _path(_escaped(path, -1).replace(b"%", b"%25")),
        "first part in capitals": _path(path.replace(b"/", b"\0").upper().replace(b"\0", b"/")),
        "query": _path(path + b"?x=1"),
        "empty query": _path(path + b"?"),
        "query with a path": _path(path + b"?a=/b/c"),
        "fragment": _path(path + b"#x"),
        "matrix": _path(path + b";x=1"),
        "dot inside": _path(parent + b"/./" + last),
        "dots inside": _path(parent + b"/x/../" + last),
        "dots at the end": _path(path + b"/.."),
        "escaped dots": _path(parent + b"/x/%2e%2e/" + last),
        "one more part": _path(path + b"/x"),
        "one part less": _path(parent or b"/"),
        "last part empty": _path(parent + b"/"),
        "prefix": _path(b"/api" + path),
        "root": _path(b"/"),
        "star": _path(b"*"),
        "no slash": _path(path[1:]),
        "backslash": _path(path.replace(b"/", b"\\")),
        "broken escape": _path(path + b"%"),
        "no hexadecimal": _path(path + b"%zz"),
        "escaped NUL": _path(path + b"%00"),
        "escaped blank": _path(path + b"%20"),
        "plus": _path(path + b"+"),
        "escaped Latin-1": _path(path + b"%e9"),
        "raw Latin-1": _path(path + b"\xe9"),
        "raw NUL": _path(path + b"\x00"),
        "long": _path(path + b"x" * 8192),
        "long query": _path(path + b"?" + b"x" * 8192),
        "absolute": lambda r: replace(r, path=b"http://" + r.value(HOST) + path),
        "absolute, another host": _path(b"http://example.com" + path),
        "absolute, another scheme": _path(b"https://example.com" + path),
    }


METHODS = (
    "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "LINK", "get", "post", "Post",
    "POSTS", "PO ST", "X",
)  # fmt: skip


def methods_changed(own: bytes) -> Mapping[str, Change]:
    """Every other method. CONNECT is left out: no path goes with it."""

    def other(method: bytes) -> Change:
        return lambda r: replace(r, method=method)

    return {method: other(method.encode()) for method in METHODS if method.encode() != own}


def _version(text: bytes) -> Change:
    return lambda r: replace(r, version=text)


def _more(name: bytes, value: bytes) -> Change:
    return lambda r: r.with_headers((name, value))


def _length(text: bytes) -> Change:
    return lambda r: r.replaced(LENGTH, (LENGTH, text))


def _chunks(*, size: bytes = b"%x", coded: bytes = b"chunked", last: bytes = b"0\r\n\r\n") -> Change:
    def change(r: RawRequest) -> RawRequest:
        body = size % len(r.body) + b"\r\n" + r.body + b"\r\n" + last
        return dataclasses.replace(r.replaced(LENGTH, (CODED, coded)), body=body)

    return change


def _both(r: RawRequest) -> RawRequest:
    return _chunks()(r).with_headers((LENGTH, str(len(r.body)).encode()))


def _cut_off(r: RawRequest) -> RawRequest:
    return replace(r, body=r.body[:-1], ends=True)


LINES: Mapping[str, Change] = {
    "HTTP 1.0": _version(b"HTTP/1.0"),
    "HTTP 1.0, kept": lambda r: replace(r, version=b"HTTP/1.0").with_headers((b"connection", b"keep-alive")),
    "HTTP 1.2": _version(b"HTTP/1.2"),
    "HTTP 2.0": _version(b"HTTP/2.0"),
    "HTTP 3.7": _version(b"HTTP/3.7"),
    "HTTP 1": _version(b"HTTP/1"),
    "http 1.1": _version(b"http/1.1"),
    "XTTP 1.1": _version(b"XTTP/1.1"),
    "no host": lambda r: r.replaced(HOST),
    "two hosts": lambda r: r.replaced(HOST, (HOST, r.value(HOST)), (HOST, b"example.com")),
    "empty host": lambda r: r.replaced(HOST, (HOST, b"")),
    "another host": lambda r: r.replaced(HOST, (HOST, b"example.com:81")),
    "broken host": lambda r: r.replaced(HOST, (HOST, b"a b/@:x")),
    "expect nothing known": _more(b"expect", b"200-ok"),
    "expect in capitals": _more(b"Expect", b"100-CONTINUE"),
    "in chunks": _chunks(),
    "in chunks, large letters": _chunks(coded=b"Chunked"),
    "in chunks, twice": _chunks(coded=b"chunked, chunked"),
    "in chunks, size in capitals": _chunks(size=b"%X"),
    "in chunks, zeros before": _chunks(size=b"00%x"),
    "in chunks, extension": _chunks(size=b"%x;a=b"),
    "in chunks, size broken": _chunks(size=b"x%x"),
    "in chunks, negative size": _chunks(size=b"-%x"),
    "in chunks, trailer": _chunks(last=b"0\r\nx-more: 1\r\n\r\n"),
    "in chunks, own header as trailer": _chunks(last=b"0\r\ncontent-type: text/plain\r\n\r\n"),
    "gzip in chunks": _chunks(coded=b"gzip, chunked"),
    "identity": lambda r: r.with_headers((CODED, b"identity")),
    "chunks and length": _both,
    "length twice": lambda r: r.with_headers((LENGTH, r.value(LENGTH))),
    "two lengths": lambda r: r.with_headers((LENGTH, b"1")),
    "length and a comma": lambda r: _length(r.value(LENGTH) + b"," + r.value(LENGTH))(r),
    "length with a plus": lambda r: _length(b"+" + r.value(LENGTH))(r),
    "length with a zero": lambda r: _length(b"0" + r.value(LENGTH))(r),
    "length negative": _length(b"-1"),
    "length hexadecimal": _length(b"0x10"),
    "length fraction": lambda r: _length(r.value(LENGTH) + b".0")(r),
    "length empty": _length(b""),
    "length 0": _length(b"0"),
    "length huge": _length(b"9" * 18),
    "length huger": _length(b"9" * 40),
    "length one less": lambda r: replace(_length(str(len(r.body) - 1).encode())(r), ends=True),
    "no length": lambda r: replace(r.replaced(LENGTH), ends=True),
    "body cut off": _cut_off,
    "no body": lambda r: replace(r, body=b"", ends=True),
    "asks to close": _more(b"connection", b"close"),
    "asks to close in capitals": _more(b"Connection", b"CLOSE"),
    "upgrade": lambda r: r.with_headers((b"connection", b"upgrade"), (b"upgrade", b"websocket")),
    "upgrade to HTTP 2": lambda r: r.with_headers((b"connection", b"upgrade, http2-settings"), (b"upgrade", b"h2c")),
    "line ends bare": lambda r: replace(r, end=b"\n"),
    "empty line before": lambda r: replace(r, before=b"\r\n"),
    "nonsense before": lambda r: replace(r, before=b"\x16\x03\x01"),
    "two blanks": lambda r: replace(r, path=b" " + r.path),
    "tabs": lambda r: replace(r, method=r.method + b"\t"),
    "header without a colon": lambda r: r.with_headers((b"nonsense\n", b"")),
    "header without a name": _more(b"", b"x"),
    "header with a blank": _more(b"x more", b"x"),
    "header with a NUL": _more(b"x-more", b"a\x00b"),
    "header with a carriage return": _more(b"x-more", b"a\rb"),
    "200 headers": lambda r: r.with_headers(*((b"x-%d" % n, b"x") for n in range(200))),
    "head of 40 KiB": _more(b"x-more", b"x" * 40_000),
    "cookie": _more(b"cookie", b"a=b"),
    "authorization": _more(b"authorization", b"Bearer x"),
    "origin": _more(b"origin", b"https://example.com"),
    "forwarded": lambda r: r.with_headers((b"x-forwarded-for", b"1.2.3.4"), (b"x-forwarded-proto", b"https")),
    "forwarded prefix": lambda r: r.with_headers((b"x-forwarded-prefix", b"/x"), (b"x-original-url", b"/healthz")),
    "another method": _more(b"x-http-method-override", b"GET"),
    "another content type wanted": _more(b"accept", b"text/html"),
    "nothing wanted": _more(b"accept", b"*/*;q=0"),
    "compressed answer wanted": _more(b"accept-encoding", b"gzip, br"),
    "another language": _more(b"accept-language", b"de"),
    "range": _more(b"range", b"bytes=0-3"),
    "if none match": _more(b"if-none-match", b"*"),
    "if match": _more(b"if-match", b'"x"'),
    "if modified since": _more(b"if-modified-since", b"Fri, 01 Jan 2100 00:00:00 GMT"),
    "request id": _more(b"x-request-id", b"mine"),
    "prefer": _more(b"prefer", b"respond-async"),
}
"""How the request is sent over the connection."""

TYPES = (
    "Application/JSON", "application/json;", "application/json; charset=utf-8", "application/json;charset=UTF-8",
    'application/json; charset="utf-8"', "application/json; charset=utf8", "application/json; charset=latin-1",
    "application/json; charset=", "application/json; charset", "application/json; charset=utf-16",
    'application/json; charset=""', "application/json; charset='utf-8'",
    "application/json; CHARSET=us-ascii", "application/json; x=1", "application/json ; x = 1", "application/json; ;",
    'application/json; x="a;b"', 'application/json; x="', "application/json, text/plain",
    "text/plain, application/json",
    "application/json; charset=utf-8; charset=latin-1", "application/vnd.x+json", "application/+json",
    "application/x+JSON", "application/jsonp", "application/json5", "application/xjson", "application/json-seq",
    "application/problem+json; v=1", "text/json", "text/plain", "json", "*/*", "application/*", "application/xml",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/octet-stream", "x/json",
    "application/json/x", "application /json", "application/json\x0b",
)  # fmt: skip
TYPES_WITHOUT_END = {
    "a text without end": 'application/json; x="' + "y" * SHORT,
    "backslashes without end": 'application/json; x="' + "\\" * 2 * SHORT,
    "a wrong parameter at the end": "application/json" + "; x=y" * SHORT + "; !=",
    "blanks, and a wrong end": "application/json;" + " " * SHORT + "!=",
    "many words": "application/" + "x+" * SHORT + "!",
}
"""Texts that a pattern may try in vain to match, in very many ways."""
ENCODINGS = ("gzip", "GZIP", "identity", "Identity", "", "deflate", "br", "gzip, identity", "identity, identity", "x")


def _of_type(text: str) -> Change:
    return lambda r: r.replaced(TYPE).with_headers((TYPE, text.encode()))


CONTENT: Mapping[str, Change] = {
    **{f"type {text!r}": _of_type(text) for text in TYPES},
    **{f"type, {name}": _of_type(text) for name, text in TYPES_WITHOUT_END.items()},
    **{f"encoding {text!r}": _more(ENCODING, text.encode()) for text in ENCODINGS},
    "compressed": lambda r: r.with_body(gzip.compress(r.body, mtime=0)).with_headers((ENCODING, b"gzip")),
    "compressed, not said": lambda r: r.with_body(gzip.compress(r.body, mtime=0)),
}
"""Headers about the body."""


def of_a_body(name: str) -> bool:
    """Whether an entry of `LINES` needs a request with a body."""
    return any(word in name for word in ("chunks", "length", "body", "identity", "expect"))
