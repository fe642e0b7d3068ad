"""HTTP to the service under test."""

from __future__ import annotations

import ssl
from typing import Any

import httpx


def service_client(**options: Any) -> httpx.AsyncClient:
    """Return a client for the service, which speaks plain HTTP on this machine.

    Loading the machine's certificate authorities, which nothing here asks for, would take 13 to 28 ms
    a client. A proxy that the environment names is not for the service either.
    """
    return httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False, **options)
