"""Writes a first draft of a scenario: a kind of fault, a link and a protection give a file that runs at once."""

from harness.drafting._draft import Draft, draft, kinds, usual_protection
from harness.drafting._name import check_free, check_name
from harness.drafting._suite import suite_source

__all__ = ["Draft", "check_free", "check_name", "draft", "kinds", "suite_source", "usual_protection"]
