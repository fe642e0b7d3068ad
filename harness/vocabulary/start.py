"""The expected result of a start of the service."""

from __future__ import annotations

import enum
from typing import Final


class Start(enum.Flag):
    """The expected result of a start: the service is `ALIVE`, or it `ENDS` by itself before it listens.

    For example, the service must refuse this setting::

        await lab.restart("SHOP_POOL=0", expect=ENDS, says="SHOP_POOL.*from 1")
    """

    ALIVE = enum.auto()
    ENDS = enum.auto()

    def __repr__(self) -> str:
        """Python source, so that a printed step can be pasted into a scenario."""
        return " | ".join(member.name or "" for member in self)


ENDS: Final = Start.ENDS
