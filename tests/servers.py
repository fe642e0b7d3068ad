"""The servers that most tests' stacks have."""

from __future__ import annotations

from harness.protocols.contract.options import ServerWanted

BOTH = (ServerWanted.plain("postgres"), ServerWanted.plain("redis"))
