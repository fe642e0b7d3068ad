"""The relay between the service and a real server: it sees every message of a connection, as its protocol reads it."""

from harness.protocols.contract.frames import Direction
from harness.protocols.contract.message import Phase
from harness.relay._notes import TlsMode
from harness.relay.actions import (
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
    Reset,
    Stall,
)
from harness.relay.control import Hop, RelayControl
from harness.relay.losses import Loss, Lost, Way
from harness.relay.refusals import check_action
from harness.relay.reports import STATEMENTS_MAX, Ended, Fired, Passed, Report, Seen
from harness.relay.rules import Match, Rule
from harness.relay.server import RelayServer
from harness.relay.tries import Tally, Tried, Try

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
    "Loss",
    "Lost",
    "Match",
    "Passed",
    "Phase",
    "RelayControl",
    "RelayServer",
    "Report",
    "Reset",
    "Rule",
    "Seen",
    "Stall",
    "Tally",
    "TlsMode",
    "Tried",
    "Try",
    "Way",
    "check_action",
]
