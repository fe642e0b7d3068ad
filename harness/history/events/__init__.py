"""What a history can say: one frozen value for each kind of line.

The entry that holds an event has its time. Faults, steps, moments and figures are recorded as values
(`Value.to_json`): a sentence is made where it is shown. Texts are for people; a check judges fields only.
"""

from harness.history.events.event import Event, Named
from harness.history.events.faults import EvidenceSeen, FaultActed, FaultHealed, MessageMet
from harness.history.events.processes import (
    ServerCrashed,
    ServerDied,
    ServerUnusable,
    ServiceEnded,
    ServiceLog,
    ServiceNotStarted,
    ServiceStarted,
    SessionLeaked,
    UnhandledLogged,
)
from harness.history.events.readings import (
    AtRest,
    CoresSeen,
    CoreWait,
    Counted,
    FigureRead,
    FigureUnknown,
    RestUnknown,
    RowsRead,
    StoredRow,
    rest_name,
)
from harness.history.events.requests import (
    Asks,
    Healthy,
    NotRecovered,
    NotSteady,
    Purpose,
    Recovered,
    RequestEnded,
    RequestSent,
)
from harness.history.events.steps import (
    HarnessProblem,
    MachineLacks,
    MomentMissed,
    MomentReached,
    PhaseBegan,
    RunBegan,
    ScenarioProblem,
    StepBegan,
    StepEnded,
)
from harness.history.events.tries import SentAgain, TriesCounted, TryMade

__all__ = [
    "Asks",
    "AtRest",
    "CoreWait",
    "CoresSeen",
    "Counted",
    "Event",
    "EvidenceSeen",
    "FaultActed",
    "FaultHealed",
    "FigureRead",
    "FigureUnknown",
    "HarnessProblem",
    "Healthy",
    "MachineLacks",
    "MessageMet",
    "MomentMissed",
    "MomentReached",
    "Named",
    "NotRecovered",
    "NotSteady",
    "PhaseBegan",
    "Purpose",
    "Recovered",
    "RequestEnded",
    "RequestSent",
    "RestUnknown",
    "RowsRead",
    "RunBegan",
    "ScenarioProblem",
    "SentAgain",
    "ServerCrashed",
    "ServerDied",
    "ServerUnusable",
    "ServiceEnded",
    "ServiceLog",
    "ServiceNotStarted",
    "ServiceStarted",
    "SessionLeaked",
    "StepBegan",
    "StepEnded",
    "StoredRow",
    "TriesCounted",
    "TryMade",
    "UnhandledLogged",
    "rest_name",
]
