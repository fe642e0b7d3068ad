"""Finds the secret parts of a setting. A URL's host, or the name before a password, is not secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.target.sections.secrets import GROUP

URL: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^\s,;\"']+")
BASE64: Final = re.compile(r"(?!//[a-z0-9]*$)(?:[A-Za-z0-9+/]{4}){3,}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?")
"""A key in base64. If it begins with `//`, it looks like a URL behind its name, but hosts have lower-case letters
only."""
KEY: Final = re.compile(r"([\"'])\s*:\s*")
"""The end of a JSON key. Otherwise its value is a separate part."""
PIECE: Final = re.compile(r"[^\s,;{}\[\]]+")
NAMED: Final = re.compile(r"(?P<name>[^:=]*)(?:[:=]+(?P<value>.*[^:=].*))?", re.DOTALL)
"""A value behind its name. `=` at the end is base64's padding, and separates nothing."""
SECRET_NAME: Final = re.compile(r"secret|passw|pwd|token|key|credential|signature|^sig$", re.IGNORECASE)


def secret_parts(value: str, which: str | None = None) -> Iterator[str]:
    """Yield the secret parts of a setting's value. `which`: the target's expression for them, if it has one.

    Example:
        >>> [*secret_parts("postgresql://shop:hidden-word@database.example.com/orders")]
        ['hidden-word']
        >>> [*secret_parts("first-source:hidden-word,second-source:other-word")]
        ['hidden-word', 'other-word']
    """
    if which is not None:
        yield from (match[GROUP] for match in re.finditer(which, value) if match[GROUP])
        return
    for url in URL.findall(value):
        yield from _of_url(url)
        yield from filter(BASE64.fullmatch, (url.partition(":")[2],))
    yield from _of_pieces(KEY.sub(":", URL.sub("", value)))


def _of_url(url: str) -> Iterator[str]:
    """A URL's password, or a user without one, and secrets in its query; otherwise its path's last part."""
    told = urlsplit(url)
    user, _, password = told.netloc.rpartition("@")[0].partition(":")
    queried = [value for name, value in parse_qsl(told.query) if SECRET_NAME.search(name)]
    own = [text for text in (password or user, *queried) if text]
    for text in own or [told.path.rstrip("/").rpartition("/")[2]]:
        yield from dict.fromkeys((text, unquote(text)))


def _of_pieces(text: str) -> Iterator[str]:
    """The values of `name:value` and `name=value` (if a name is a secret's, only those), and values without a name."""
    pieces = [NAMED.fullmatch(piece) for piece in PIECE.findall(text)]
    named = [(each["name"], each["value"]) for each in pieces if each is not None and each["value"]]
    bare = (each[0] for each in pieces if each is not None and not each["value"])
    telling = [value for name, value in named if SECRET_NAME.search(name)]
    yield from chain(bare, telling or (value for _, value in named))
