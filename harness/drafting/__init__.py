"""A first draft of a scenario: from a kind of fault, a link and a protection to a file that runs at once."""

from harness.drafting._draft import Draft, draft
from harness.drafting._name import check_name
from harness.drafting._plays import PLAYS

__all__ = ["PLAYS", "Draft", "check_name", "draft"]
