"""Toxics for tests of the proxy: those that a link fault would add, in one direction alone."""

from __future__ import annotations

import dataclasses

from harness.faults.links.toxic import ToxicFault
from harness.stack.toxiproxy.toxics import Stream, Toxic


def one(fault: ToxicFault, stream: Stream, *, name: str = "") -> Toxic:
    """Return the fault's toxic for one direction, under a name of its own where one is given."""
    if hasattr(fault, "stream"):
        fault = dataclasses.replace(fault, stream=stream)  # type: ignore[call-arg]  # it has that field
    found = next(toxic for toxic in fault.toxics() if toxic.stream == stream)
    return dataclasses.replace(found, name=name) if name else found
