"""Describes what a test needs from a stack: a link to each server that stores data. No file is read."""

from __future__ import annotations

from pathlib import Path

from harness.protocols.contract.about import ABOUT
from harness.protocols.registry import PROTOCOLS
from harness.target import SCHEMA, Target, TargetDescription
from harness.target.description import HttpTemplate, SenderDescription
from harness.target.sender import TemplateSender

HERE = "/"


def linked() -> tuple[str, ...]:
    """The protocols for which a test has a server. Their servers store data for an application."""
    return tuple(name for name in PROTOCOLS if ABOUT.of(name).stores or ABOUT.of(name).remembers)


def the_tests_own() -> Target:
    """Return a target with these links. Its service is the test's own process: the harness starts none, sends nothing.

    The model requires values for a service that it starts. They are filled in here and never used.
    """
    nothing_sent = HttpTemplate(path=HERE)
    description = TargetDescription.model_validate({
        "schema": SCHEMA,
        "name": "test",
        "service": {
            "command": ["{python}"], "environment": {}, "listening": r"(?P<port>\d+)", "alive": HERE, "unhandled": "^$",
        },
        "links": {name: {"protocol": name} for name in linked()},
        "sender": SenderDescription(http=nothing_sent),
        "stored": {"sql": "SELECT"},
        "limits": {"connections": 1, "body_bytes": 100},
    })  # fmt: skip
    return Target(path=Path.cwd() / "test", description=description, sender=TemplateSender(nothing_sent))
