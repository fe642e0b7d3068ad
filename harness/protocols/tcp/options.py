"""What the stub of a TCP link does: `[servers.NAME]` of a target whose links speak plain TCP."""

from __future__ import annotations

from typing import Final, Literal

from harness.protocols.contract.options import ServerOptions

__all__ = ["OPTIONS", "TcpOptions"]


class TcpOptions(ServerOptions):
    """`answers`: "echo": the stub returns each byte; "nothing": it reads them and sends nothing."""

    answers: Literal["echo", "nothing"] = "echo"


OPTIONS: Final[type[ServerOptions]] = TcpOptions
