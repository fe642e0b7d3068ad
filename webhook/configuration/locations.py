"""Checks and decodes the servers' addresses and the signing keys."""

import base64
import binascii
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from webhook.delivery import SOURCE

SECRET_PREFIX = "whsec_"  # noqa: S105 - the public marker in front of every Standard Webhooks secret
SECRET_BYTES = range(16, 129)
"""Standard Webhooks requires 24 to 64 bytes. Slightly larger keys are accepted; empty or trivial ones are not."""


VERIFYING = ("require", "verify-ca", "verify-full")
"""The modes in which asyncpg reads `sslrootcert` and verifies with it."""


def database_url(text: str) -> URL:
    """Return the URL with the driver's plain name `postgresql`, and libpq's options as those of asyncpg's `connect`."""
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise ValueError("not a database URL") from error
    if url.drivername not in ("postgresql", "postgresql+asyncpg"):
        raise ValueError(f"{url.drivername}:// is not supported")
    if not url.database:
        raise ValueError("the URL names no database")
    unknown = set(url.query) - {"ssl", "sslmode", "sslrootcert"}
    if unknown:
        raise ValueError(f"unknown option {min(unknown)!r} after the ?; only ssl, sslmode and sslrootcert are taken")
    given = {key: values[-1] for key, values in url.normalized_query.items()}
    return url.set(drivername="postgresql", query=_ssl_options(given))


def replica_url(text: str) -> URL | None:
    """Return the URL as `database_url` does; an empty text means none."""
    return database_url(text) if text else None


def _ssl_options(given: Mapping[str, str]) -> Mapping[str, str]:
    mode, authority = given.get("sslmode", given.get("ssl")), given.get("sslrootcert")
    if authority is None:
        return {"ssl": mode} if mode else {}
    if mode not in VERIFYING:
        raise ValueError(f"sslrootcert is read with sslmode={', '.join(VERIFYING)} only")
    if not Path(authority).is_file():
        raise ValueError(f"sslrootcert: there is no file {authority!r}")
    # It has no argument of that name, but takes it in a DSN.
    return {"dsn": f"postgresql:///?{urlencode({'sslmode': mode, 'sslrootcert': authority})}"}


def redis_url(text: str) -> str:
    """Check the scheme only: the incident's `redis://[fe80::1]:6379` is a valid address that cannot be reached."""
    try:
        scheme = urlsplit(text).scheme
    except ValueError as error:
        raise ValueError("not a URL") from error
    if scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"the scheme {scheme!r} is not supported")
    return text


def redis_sentinels(text: str) -> tuple[tuple[str, int], ...]:
    """Decode `HOST:PORT,HOST:PORT` to the Sentinels' addresses; an empty text means none."""
    return tuple(_address(part) for part in (part.strip() for part in text.split(",")) if part)


def _address(text: str) -> tuple[str, int]:
    try:
        parts = urlsplit(f"//{text}")
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError(f"{text!r} is not HOST:PORT") from None
    if not host or not port or parts.netloc != text or "@" in text:
        raise ValueError(f"{text!r} is not HOST:PORT")
    return host, port


def signing_secrets(text: str) -> tuple[bytes, ...]:
    """Decode `whsec_...,whsec_...` to keys; no message repeats one."""
    return tuple(_key(part, place) for place, part in enumerate(_parts(text), start=1))


def source_secrets(text: str) -> dict[str, tuple[bytes, ...]]:
    """Decode `shop:whsec_...,shop:whsec_...,bank:whsec_...` to each source's keys; no message repeats a secret."""
    found: dict[str, tuple[bytes, ...]] = {}
    for place, part in enumerate(_parts(text), start=1):
        source, colon, secret = part.partition(":")
        if not colon or not SOURCE.fullmatch(source):
            raise ValueError(f"secret {place} does not begin with the name of a source and a colon")
        found[source] = (*found.get(source, ()), _key(secret, place))
    return found


def _parts(text: str) -> list[str]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise ValueError("no secret is given")
    return parts


def _key(secret: str, place: int) -> bytes:
    if not secret.startswith(SECRET_PREFIX):
        raise ValueError(f"secret {place} does not begin with {SECRET_PREFIX}")
    encoded = secret.removeprefix(SECRET_PREFIX)
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"secret {place} is not base64 after {SECRET_PREFIX}") from error
    if len(key) not in SECRET_BYTES:
        raise ValueError(f"secret {place} has {len(key)} bytes; from {SECRET_BYTES.start} to {SECRET_BYTES.stop - 1}")
    return key
