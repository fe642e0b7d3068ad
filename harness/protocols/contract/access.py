"""How the harness itself connects to a server: past relay and Toxiproxy, in a hurry, and under a name of its own."""

from __future__ import annotations

from typing import Final

__all__ = ["ADMIN_TIMEOUT_S", "OWN_NAME"]

ADMIN_TIMEOUT_S: Final = 5.0
"""Limit for connecting, and for closing a session."""
OWN_NAME: Final = "harness"
"""What the harness's own sessions call themselves on the servers, so that nobody counts them as the service's."""
