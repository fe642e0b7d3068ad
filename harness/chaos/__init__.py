"""Faults in an ordinary test: servers behind the relay and Toxiproxy, and the application wherever the test runs it."""

from harness.chaos.chaos import Chaos, Place
from harness.chaos.injecting import Injected, Injecting
from harness.chaos.servers import ChaosServers

__all__ = ["Chaos", "ChaosServers", "Injected", "Injecting", "Place"]
