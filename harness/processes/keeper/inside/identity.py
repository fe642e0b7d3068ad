"""The user as which a child runs. The keeper decides this when it knows its machine."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.processes.keeper.inside import namespaces
from harness.processes.keeper.inside.namespaces import Ids


@dataclass(slots=True)
class Identities:
    """Turns "same" and "mapped" into what this machine can do."""

    _namespaces_open: bool | None = field(default=None, init=False)

    def change(self, as_user: str) -> Callable[[], None]:
        """Return the function that a new child has to call to become that user."""
        if as_user == "mapped" and self._are_namespaces_open():
            inside = namespaces.inside_ids()
            return lambda: namespaces.enter_user_namespace(inside)
        if as_user == "mapped" and os.geteuid() == 0:
            return namespaces.drop_to_nobody
        return lambda: None

    def owner(self, as_user: str) -> Ids:
        """Return the owner of that child's files, seen from outside."""
        if as_user == "mapped" and os.geteuid() == 0 and not self._are_namespaces_open():
            return Ids(namespaces.NOBODY, namespaces.NOBODY)
        return Ids(os.geteuid(), os.getegid())

    def _are_namespaces_open(self) -> bool:
        if self._namespaces_open is None:
            self._namespaces_open = namespaces.namespace_errno() == 0
        return self._namespaces_open
