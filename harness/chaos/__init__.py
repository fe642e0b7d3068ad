"""Faults in an ordinary test: servers behind the relay and Toxiproxy, and an application that the test itself runs."""

from harness.chaos.chaos import Chaos, Place
from harness.chaos.injecting import Injected, Injecting
from harness.chaos.servers import ChaosServers

__all__ = ["Chaos", "ChaosServers", "Injected", "Injecting", "Place"]
