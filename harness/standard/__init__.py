"""The standard suite: scenarios made from a target alone, its links, its requests and one recorded delivery."""

from harness.standard.observation import look_and_plan
from harness.standard.plan import StandardSuite
from harness.standard.planned import LeftOut, Planned

__all__ = ["LeftOut", "Planned", "StandardSuite", "look_and_plan"]
