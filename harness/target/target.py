"""A target: its description, its path, and its sender."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from harness.errors import UsageError
from harness.protocols.contract.options import ServerWanted
from harness.target.description import TargetDescription
from harness.target.placeholders import fill_in
from harness.target.sections.outcomes import Labels
from harness.target.sections.protections import switched_off
from harness.target.sections.starts import StartDescription
from harness.target.sender import Sender
from harness.target.servers import servers_of


@dataclass(frozen=True)
class Target:
    """The service under test."""

    path: Path
    description: TargetDescription
    sender: Sender

    @cached_property
    def directory(self) -> Path:
        """The folder in which the service's commands run."""
        return (self.path.parent / self.description.service.directory).resolve()

    def moved_to(self, directory: Path) -> Target:
        """Return the same target with its commands run in another directory. Its sender and its path stay."""
        service = self.description.service.model_copy(update={"directory": str(directory.absolute())})
        return dataclasses.replace(self, description=self.description.model_copy(update={"service": service}))

    @property
    def servers(self) -> tuple[ServerWanted, ...]:
        """The servers that its links lead to, each once. See `servers_of`."""
        return servers_of(self.description, str(self.path))

    @property
    def servers_shown(self) -> str:
        """What runs beside the service, for readers: "PostgreSQL, Redis and Toxiproxy"."""
        return f"{', '.join(server.title for server in self.servers)} and Toxiproxy"

    @property
    def labels(self) -> Labels:
        """Labels this service's answers."""
        return Labels(self.description.outcomes)

    @property
    def main_read(self) -> str:
        """The name of the first read that it describes. Raises UsageError if there is none."""
        reads = self.description.reads
        if not reads:
            mend = "describe one in a table [reads.NAME] with a path"
            raise UsageError.at(
                str(self.path), "reads", "", "the target does not say how a delivery is read", mend=mend
            )
        return next(iter(reads))

    def settings(self, profile: str, without: Sequence[str]) -> Mapping[str, str]:
        """Return a profile's switches with some protections off, or wrong as `name:variant` says.

        Raises UsageError for a profile, a protection or a variant that the description does not have.
        """
        profiles = self.description.profiles
        if profile not in profiles:
            raise UsageError.at("--profile", "name", profile, "no such profile", valid=profiles)
        settings: dict[str, str] = {}
        for name in profiles[profile].without:
            settings |= self.protection(name)
        settings |= profiles[profile].environment
        for name in without:
            settings |= self.protection(name)
        return settings

    def protection(self, name: str) -> Mapping[str, str]:
        """Return the settings that switch one protection off. Raises UsageError."""
        return switched_off(self.description, name, place="--without", key="name")

    def command(self, words: Mapping[str, str]) -> tuple[str, ...]:
        """Return the command that starts the service, filled in."""
        return self._filled(self.description.service.command, words)

    @property
    def program(self) -> tuple[str, ...]:
        """For a Python program: the interpreter and what it runs; otherwise empty."""
        return self._filled(self.description.service.program, {})

    def prepare(self, words: Mapping[str, str]) -> tuple[str, ...]:
        """Return the command that prepares an empty database; empty if there is none."""
        return self._filled(self.description.service.prepare, words)

    def another_command(self, start: StartDescription, words: Mapping[str, str]) -> tuple[str, ...]:
        """Return the start's own command, filled in; empty if it has none."""
        return self._filled(start.command, words)

    def _filled(self, command: Sequence[str], words: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(fill_in(word, {**words, "python": sys.executable}) for word in command)
