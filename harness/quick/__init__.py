"""Asks a stack that stays up to run something: what `harness run` does before anything heavy is imported.

Only the standard library and platformdirs: most of a verb's start is imports, and who asks needs none of them.
"""

from harness.quick._asking import ask
from harness.quick._entries import PACKAGE, Entry, quick_folder
from harness.quick._wire import INTERRUPT, Again, Answer, Asked, Ended, Taken, read_asked, send_answer

__all__ = [
    "INTERRUPT",
    "PACKAGE",
    "Again",
    "Answer",
    "Asked",
    "Ended",
    "Entry",
    "Taken",
    "ask",
    "quick_folder",
    "read_asked",
    "send_answer",
]
