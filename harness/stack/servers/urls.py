"""Addresses of servers that the user runs, and which of them the harness may act on."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Final, TypeVar
from urllib.parse import urlsplit

from harness.addresses import HostPort
from harness.errors import UsageError

PLACE: Final = "stack configuration"
Answer = TypeVar("Answer")


def is_url(wanted: str) -> bool:
    """Return whether this is a URL, and not a path or a word."""
    return "://" in wanted


def redacted(url: str) -> str:
    """Return the URL without its password: for errors, logs and results."""
    user_info, at, rest = url.rpartition("@")
    scheme, _, user_and_password = user_info.partition("://")
    user, colon, _ = user_and_password.partition(":")
    return f"{scheme}://{user}:***@{rest}" if at and colon else url


def checked_url(
    key: str, url: str, *, schemes: Collection[str], default_port: int, allow_hosts: Collection[str]
) -> HostPort:
    """Return the URL's address.

    Raises UsageError, naming `key`, for another scheme, for a URL without host or with a broken
    port, and for a host that is not this machine's loopback and is not in `allow_hosts`, exactly.
    """
    shown = redacted(url)
    parts = urlsplit(url)
    if parts.scheme not in schemes:
        raise UsageError.at(PLACE, key, shown, f"unknown scheme {parts.scheme!r}", valid=schemes, mend=_scheme(schemes))
    try:
        port = parts.port or default_port
    except ValueError as error:
        raise UsageError.at(PLACE, key, shown, str(error), mend="write a port from 1 to 65535") from error
    host = parts.hostname
    if not host:
        raise UsageError.at(PLACE, key, shown, "it names no host", mend=f"write {parts.scheme}://127.0.0.1:{port}")
    address = HostPort(host, port)
    if not address.is_loopback and host not in allow_hosts:
        raise UsageError.at(
            PLACE,
            key,
            shown,
            f"the harness breaks the servers that it uses, and {host} is not this machine",
            valid=allow_hosts,
            mend=f"allow exactly this host: --allow-host {host}",
        )
    return address


def answer_at(
    url: str,
    ask: Callable[[str], Answer],
    errors: tuple[type[Exception], ...],
    *,
    key: str,
    title: str,
    schemes: Collection[str],
    default_port: int,
    allow_hosts: Collection[str],
) -> Answer:
    """Ask the server at a URL, and return its answer. `title`: the server's name in an error.

    Raises UsageError as `checked_url` does, and if asking raises one of the errors.
    """  # fmt: skip
    address = checked_url(key, url, schemes=schemes, default_port=default_port, allow_hosts=allow_hosts)
    try:
        return ask(url)
    except errors as error:
        problem = f"no {title} answers at {address}: {type(error).__name__}: {error}"
        mend = "start that server, or mend the URL; 'embedded' needs neither"
        raise UsageError.at(PLACE, key, redacted(url), problem, mend=mend) from error


def _scheme(schemes: Collection[str]) -> str:
    return "begin it with " + " or ".join(f"{scheme}://" for scheme in sorted(schemes))
