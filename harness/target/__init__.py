"""The target description: everything that the harness knows about the service under test."""

from harness.target.description import SCHEMA, TargetDescription
from harness.target.loading import load_target
from harness.target.placeholders import fill_in
from harness.target.sections.outcomes import Label, Labels
from harness.target.sections.requests import SOURCE
from harness.target.sender import Delivery, OutgoingRequest, Sender
from harness.target.target import Target

__all__ = [
    "SCHEMA",
    "SOURCE",
    "Delivery",
    "Label",
    "Labels",
    "OutgoingRequest",
    "Sender",
    "Target",
    "TargetDescription",
    "fill_in",
    "load_target",
]
