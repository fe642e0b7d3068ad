"""Owns every process that the harness starts, and leaves none behind."""

from harness.processes.keeper._client import Keeper
from harness.processes.keeper._descendants import Process, all_processes, descendants, read_small
from harness.processes.keeper._kept import KeptProcess
from harness.processes.keeper._log import LogFile
from harness.processes.keeper._preloading import PreloadedPython, PreloadSpec
from harness.processes.keeper._probe import user_namespaces_available
from harness.processes.keeper._spec import ProcessSpec

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
    "read_small",
    "user_namespaces_available",
]
