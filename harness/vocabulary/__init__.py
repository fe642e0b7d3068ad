"""The words of a scenario: outcomes, links, moments, figures. They are values: nothing here acts."""

from harness.vocabulary.figures import BytesPerRequest, Figure, LinesLogged, Metric, RowsLost, WithoutWrites
from harness.vocabulary.links import (
    Answered,
    ConnectsPeak,
    Idle,
    Link,
    Message,
    SendsPerRequest,
    Sent,
    ServerLogged,
)
from harness.vocabulary.messages import Direction, Phase
from harness.vocabulary.moments import Answers, Moment, ServiceLogged
from harness.vocabulary.outcome import (
    ABSENT,
    ACKNOWLEDGED,
    ALREADY,
    ANY_OUTCOME,
    CONFIRMED,
    CONFLICT,
    FINAL_NO,
    NO_WORD,
    NOT_STORED,
    REFUSED,
    REJECTED,
    THROTTLED,
    UNKNOWN,
    Outcome,
)
from harness.vocabulary.service import Service, service
from harness.vocabulary.start import ENDS, Start
from harness.vocabulary.value import Json, Value, from_json, safe_id, to_json

__all__ = [
    "ABSENT",
    "ACKNOWLEDGED",
    "ALREADY",
    "ANY_OUTCOME",
    "CONFIRMED",
    "CONFLICT",
    "ENDS",
    "FINAL_NO",
    "NOT_STORED",
    "NO_WORD",
    "REFUSED",
    "REJECTED",
    "THROTTLED",
    "UNKNOWN",
    "Answered",
    "Answers",
    "BytesPerRequest",
    "ConnectsPeak",
    "Direction",
    "Figure",
    "Idle",
    "Json",
    "LinesLogged",
    "Link",
    "Message",
    "Metric",
    "Moment",
    "Outcome",
    "Phase",
    "RowsLost",
    "SendsPerRequest",
    "Sent",
    "ServerLogged",
    "Service",
    "ServiceLogged",
    "Start",
    "Value",
    "WithoutWrites",
    "from_json",
    "safe_id",
    "service",
    "to_json",
]
