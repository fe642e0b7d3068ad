"""The exit statuses of the command line."""

import enum


class ExitStatus(enum.IntEnum):
    """The exit statuses of the command line's verbs."""

    HELD = 0
    FAILED = 1
    INTERRUPTED = 2
    INCONCLUSIVE = 3
    USAGE = 4
    NOTHING_RAN = 5
