"""The demo: a careless service, its target description and five scenarios, for `harness demo`."""

from harness.demo._copy import copy_to
from harness.demo._folder import FOLDER, SCENARIOS

__all__ = ["FOLDER", "SCENARIOS", "copy_to"]
