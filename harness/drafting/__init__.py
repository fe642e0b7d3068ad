"""Writes a first draft of a scenario: a kind of fault, a link and a protection give a file that runs at once."""

from harness.drafting._draft import Draft, draft, draft_of, kinds, usual_protection
from harness.drafting._from_log import Clue, clues
from harness.drafting._name import check_free, check_name
from harness.drafting._suite import suite_source

__all__ = [
    "Clue",
    "Draft",
    "check_free",
    "check_name",
    "clues",
    "draft",
    "draft_of",
    "kinds",
    "suite_source",
    "usual_protection",
]
