"""What a draft stands on: where the fault strikes, and what is stored there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeVar

from harness.errors import UsageError
from harness.protocols.postgres.words import Postgres
from harness.target import Target
from harness.vocabulary import ACKNOWLEDGED, REFUSED, Link, Message, Outcome

LinkT = TypeVar("LinkT", bound=Link)
_TABLE = re.compile(r'\bFROM\s+"?(?P<table>[a-z_][a-z0-9_.]*)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Ground:
    """A link of a target. `store`: the link by which deliveries are stored."""

    target: Target
    link: Link
    store: Postgres

    @property
    def without_link(self) -> Outcome:
        """What becomes of a delivery while the link is of no use: a service cannot store without its store."""
        return REFUSED if self.link == self.store else ACKNOWLEDGED

    @property
    def sent(self) -> Message:
        """The statement or command by which a delivery is stored, or remembered."""
        return self.link.sent(self._writes)

    @property
    def answered(self) -> Message:
        """Its answer."""
        return self.link.answered(self._writes)

    @property
    def _writes(self) -> str:
        return "INSERT" if isinstance(self.link, Postgres) else "SET"

    def link_as(self, protocol: type[LinkT]) -> LinkT:
        """The link, where the fault's own type has seen to it that it is one of these."""
        if not isinstance(self.link, protocol):
            raise TypeError(f"{self.link!r} is no {protocol.__name__}")
        return self.link

    @property
    def table(self) -> str:
        """The table that deliveries are read from. Raises UsageError where the description names none."""
        sql = self.target.description.stored.sql
        found = _TABLE.search(sql)
        if found is None:
            mend = "draft another fault, and name the table in it by hand"
            raise UsageError.at(str(self.target.path), "stored.sql", sql, "reads from no table that could be locked",
                                mend=mend)  # fmt: skip
        return found["table"]
