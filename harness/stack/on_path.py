"""Programs that only some machines have, and that only some scenarios need: found on the PATH, or named by the user."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from harness.capability import PGBOUNCER, Capability
from harness.errors import UsageError

__all__ = ["POOLER", "OptionalProgram"]


@dataclass(frozen=True, slots=True)
class OptionalProgram:
    """One such program. `name`: the name of the program, of the need for it, and of Debian's package."""

    name: str

    @property
    def variable(self) -> str:
        """The environment variable by which the user names the program: HARNESS_PGBOUNCER."""
        return f"HARNESS_{self.name.upper()}"

    def find(self) -> Path | None:
        """Return the program that the user names, or the one on the PATH; None if there is none.

        Raises UsageError if the user names something that is not a program.
        """
        named = os.environ.get(self.variable)
        found = shutil.which(named or self.name)
        if named and found is None:
            mend = "name the program itself, with its whole path"
            raise UsageError.at(
                "environment", self.variable, named, "is not a program that this user may run", mend=mend
            )
        return Path(found) if found else None

    def available(self) -> Capability:
        """Say whether this machine has it. Raises UsageError as `find` does."""
        found = self.find()
        if found is None:
            mend = f"install it (Debian's package {self.name}), or name the program in {self.variable}"
            return Capability(self.name, available=False, detail=f"no {self.name} on the PATH", mend=mend)
        return Capability(self.name, available=True, detail=str(found))


POOLER: Final = OptionalProgram(PGBOUNCER)
