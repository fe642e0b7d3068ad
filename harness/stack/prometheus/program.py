"""Finds the Prometheus of this machine, if it has one."""

from __future__ import annotations

from typing import Final

from harness.capability import PROMETHEUS
from harness.stack.on_path import OptionalProgram

_PROGRAM: Final = OptionalProgram(PROMETHEUS)

find_prometheus = _PROGRAM.find
prometheus_available = _PROGRAM.available
