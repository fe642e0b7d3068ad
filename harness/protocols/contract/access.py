"""How the harness itself connects to a server: without relay and Toxiproxy, with short limits, under one name."""

from __future__ import annotations

from typing import Final

__all__ = ["ADMIN_TIMEOUT_S", "OWN_NAME"]

ADMIN_TIMEOUT_S: Final = 5.0
"""Limit for connecting, and for closing a session."""
OWN_NAME: Final = "harness"
"""The name of the harness's own sessions on the servers, so that they do not count as the service's."""
