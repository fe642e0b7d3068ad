"""The configuration of a TCP link's stub: `[servers.NAME]` of a target whose links speak plain TCP."""

from __future__ import annotations

from typing import Final, Literal

from harness.protocols.contract.options import ServerOptions

__all__ = ["OPTIONS", "TcpOptions"]


class TcpOptions(ServerOptions):
    """What the stub answers."""

    answers: Literal["echo", "nothing"] = "echo"
    """With "echo" it returns each byte; with "nothing" it reads them and sends nothing."""


OPTIONS: Final[type[ServerOptions]] = TcpOptions
