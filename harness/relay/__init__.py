"""The relay between the service and a real server. With the protocol's help it sees every message of a connection."""

from harness.protocols.contract.frames import Direction
from harness.protocols.contract.message import Phase
from harness.relay.connection.notes import UNDECIDED, TlsMode
from harness.relay.control.client import Hop, KindOfMessage, RelayControl
from harness.relay.control.ledger import OWN, Life, Met, Quiet
from harness.relay.control.refusals import check_action
from harness.relay.control.reports import STATEMENTS_MAX, Ended, Fired, Known, Passed, Report, Seen
from harness.relay.control.tries import Tally, Tried, Try
from harness.relay.hop.losses import Loss, Lost, Way
from harness.relay.rules.actions import (
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
from harness.relay.rules.rule import Match, Rule, folded
from harness.relay.server import RelayServer

__all__ = [
    "OWN",
    "STATEMENTS_MAX",
    "UNDECIDED",
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
    "KindOfMessage",
    "Known",
    "Late",
    "Life",
    "Loss",
    "Lost",
    "Match",
    "Met",
    "Passed",
    "Phase",
    "Quiet",
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
    "folded",
]
