"""Owns every process that the harness starts, and leaves none behind."""

from harness.keeper._client import Keeper
from harness.keeper._kept import KeptProcess
from harness.keeper._log import LogFile
from harness.keeper._preloading import PreloadedPython, PreloadSpec
from harness.keeper._probe import user_namespaces_available
from harness.keeper._spec import ProcessSpec

__all__ = [
    "Keeper",
    "KeptProcess",
    "LogFile",
    "PreloadSpec",
    "PreloadedPython",
    "ProcessSpec",
    "user_namespaces_available",
]
