"""Drafts the first files of a user's project: fills in what its files show, and marks the rest."""

from harness.drafting.project._files import Written, written
from harness.drafting.project._finding import Asked, Project, found, linkable, protocols

__all__ = ["Asked", "Project", "Written", "found", "linkable", "protocols", "written"]
