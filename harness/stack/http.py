"""An HTTP client for the service under test."""

from __future__ import annotations

import ssl
from typing import Any

import httpx


def service_client(**options: Any) -> httpx.AsyncClient:
    """Return a client for the service, which speaks plain HTTP on this machine.

    It does not load the machine's certificate authorities, which would take 13 to 28 ms per client, and ignores proxies
    that the environment names.
    """
    return httpx.AsyncClient(verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), trust_env=False, **options)
