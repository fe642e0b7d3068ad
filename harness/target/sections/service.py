"""How a target's service is started, and how it shows that it is alive: `[service]`."""

from __future__ import annotations

import shlex
from typing import Annotated

from pydantic import Field, model_validator

from harness.documents import Expression, Table, wrong
from harness.target.placeholders import SERVICE_PORT
from harness.target.sections.requests import UrlPath
from harness.target.sections.times import Seconds
from harness.target.sections.words import Environment, ExpressionWithPort


class ServiceDescription(Table):
    """How to start the service, and how to see that it is alive."""

    command: list[str] = Field(min_length=1)
    """The program and its arguments, without a shell. `{python}` is the Python that runs the harness."""
    directory: str = "."
    """Working directory, relative to the description's own folder."""
    prepare: list[str] = Field(default=[])
    """Runs once, on an empty database. Each run's database is a copy of it."""
    prepare_within_s: Seconds = 60.0
    """How long `prepare` may take. If it still runs then, it is ended."""
    preload: list[str] = Field(default=[])
    """Python modules that the service imports when it starts and that start no thread. Name libraries: the
    service's own modules are imported again in each child, because they may have changed since.

    A service whose command is `{python} -m MODULE ...` or `{python} FILE.py ...` is then forked from a
    Python that has loaded them, which takes a fraction of the time. Any other service is spawned."""
    preload_own: list[str] = Field(default=[])
    """The service's own modules, which are loaded after those and kept. A child imports its own modules again only if
    one of their files has changed. Importing them must not read the environment or other files, and must not open
    anything."""
    environment: Environment
    """`{LINK.url}`, `{LINK.host}`, `{LINK.port}`, `{LINK.user}`, ... are filled in; with TLS, `{LINK.ca_file}`."""
    listening: ExpressionWithPort | None = None
    """Finds the group `port` in the line of the service's log that says where it listens. If a service logs no such
    line, the harness can choose the port: write `{service.port}` in its command or its environment."""
    alive: UrlPath
    """Answers 2xx while the service lives."""
    ready: UrlPath | None = None
    """Answers 2xx while it can do its work."""
    unhandled: Expression
    """Finds an unhandled exception in the service's log. `^Traceback` fits only if the service logs no traceback of
    handled errors; otherwise name the line above it: `Exception in ASGI application`."""
    start_within_s: Seconds = 15.0
    """How long it may take to listen and answer `alive`."""
    stop_within_s: Seconds = 10.0
    """How long it may take to end after SIGTERM."""
    ends_with: list[Annotated[int, Field(ge=1, le=255)]] = Field(default=[])
    """The allowed statuses of a start that must end: `lab.restart("NAME=wrong", expect=ENDS)`. By default any status
    but 0."""
    folders: list[str] = Field(default=[])
    """Folders in which it keeps files, relative to `directory`. At rest these folders must not have more files than in
    steady state."""

    @property
    def still_prepares(self) -> str:
        """The error about a `prepare` that had to be ended."""
        return f"still ran after {self.prepare_within_s:g} s, and was ended"

    @property
    def more_time(self) -> str:
        """The advice for that error."""
        return (
            "run it by hand on an empty database; if it needs that long, write a larger prepare_within_s into [service]"
        )

    @property
    def program(self) -> tuple[str, ...]:
        """For a Python program: the interpreter and what it runs, as in the command; otherwise empty."""
        size = 3 if self.command[1:2] == ["-m"] else 2
        head = tuple(self.command[:size])
        return head if len(head) == size and _is_python_program(head[1:]) else ()

    @property
    def is_given_a_port(self) -> bool:
        """Whether the harness chooses the port that it listens on."""
        return any(f"{{{SERVICE_PORT}}}" in text for text in (*self.command, *self.environment.values()))

    @model_validator(mode="after")
    def _its_port_is_known(self) -> ServiceDescription:
        if self.listening is None and not self.is_given_a_port:
            mend = f"give `listening`, or write {{{SERVICE_PORT}}} where the service reads its port"
            raise wrong("nothing says on which port the service listens", mend)
        return self

    @model_validator(mode="after")
    def _only_python_is_preloaded(self) -> ServiceDescription:
        if (self.preload or self.preload_own) and not self.program:
            mend = "write command = ['{python}', '-m', MODULE], or leave preload out"
            raise wrong(f"preload: {shlex.join(self.command)} is not a Python program that can be forked", mend)
        return self


def _is_python_program(words: tuple[str, ...]) -> bool:
    return not any("{" in word for word in words) and (words[0] == "-m" or words[0].endswith(".py"))
