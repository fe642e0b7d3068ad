"""Writes a first draft of a scenario: a kind of fault, a link and a protection give a file that runs at once."""

from harness.drafting._draft import Draft, draft, kinds
from harness.drafting._name import check_name

__all__ = ["Draft", "check_name", "draft", "kinds"]
