"""The relay between the service and a real server: it knows every message of PostgreSQL's and Redis's protocols."""

from harness.wire.control import Hop, RelayControl
from harness.wire.frames import Direction
from harness.wire.message import Phase, ProtocolName, TlsMode
from harness.wire.refusals import check_action
from harness.wire.reports import STATEMENTS_MAX, Ended, Fired, Passed, Report, Seen
from harness.wire.rules import (
    Action,
    Corrupt,
    Cut,
    Delay,
    Drop,
    DropAndClose,
    Duplicate,
    Fail,
    Hold,
    Late,
    Match,
    Reset,
    Rule,
    Stall,
)
from harness.wire.server import RelayServer

__all__ = [
    "STATEMENTS_MAX",
    "Action",
    "Corrupt",
    "Cut",
    "Delay",
    "Direction",
    "Drop",
    "DropAndClose",
    "Duplicate",
    "Ended",
    "Fail",
    "Fired",
    "Hold",
    "Hop",
    "Late",
    "Match",
    "Passed",
    "Phase",
    "ProtocolName",
    "RelayControl",
    "RelayServer",
    "Report",
    "Reset",
    "Rule",
    "Seen",
    "Stall",
    "TlsMode",
    "check_action",
]
