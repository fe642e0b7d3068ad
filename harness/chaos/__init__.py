"""Faults in an ordinary test: servers behind the relay and Toxiproxy, and the application wherever the test runs it."""

from harness.chaos._chaos import Chaos, Place
from harness.chaos._injecting import Injected, Injecting
from harness.chaos._servers import ChaosServers

__all__ = ["Chaos", "ChaosServers", "Injected", "Injecting", "Place"]
