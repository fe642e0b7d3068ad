"""Owns every process that the harness starts, and leaves none behind."""

from harness.processes.keeper.client import Keeper
from harness.processes.keeper.inside.descendants import (
    Process,
    all_processes,
    descendants,
    process_ids,
    read_small,
)
from harness.processes.keeper.inside.probe import user_namespaces_available
from harness.processes.keeper.kept import KeptProcess
from harness.processes.keeper.log import LogFile
from harness.processes.keeper.preloading import PreloadedPython, PreloadSpec
from harness.processes.keeper.spec import ProcessSpec

__all__ = [
    "Keeper",
    "KeptProcess",
    "LogFile",
    "PreloadSpec",
    "PreloadedPython",
    "Process",
    "ProcessSpec",
    "all_processes",
    "descendants",
    "process_ids",
    "read_small",
    "user_namespaces_available",
]
