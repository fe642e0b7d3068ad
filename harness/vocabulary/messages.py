"""A message's direction and its connection's phase: the same words for every protocol."""

from __future__ import annotations

from typing import Literal

Direction = Literal["sent", "answered"]
"""Sent: by the service. Answered: by the server."""
Phase = Literal["startup", "authentication", "query", "commit", "idle"]
"""Where a connection stands when the message passes. `commit`: from the COMMIT to the end of its answer."""
