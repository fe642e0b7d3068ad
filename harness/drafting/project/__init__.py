"""Writes the first files of somebody's project: what can be found out is filled in, the rest is marked."""

from harness.drafting.project._files import Written, written
from harness.drafting.project._finding import Asked, Project, found, linkable, protocols

__all__ = ["Asked", "Project", "Written", "found", "linkable", "protocols", "written"]
