"""Starts of the service, or of its `prepare`, that are tried beside it: with wrong settings, or right ones."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from harness.documents import Expression, Table, Text, wrong


class StartDescription(Table):
    """A start with other settings or further arguments, beside the running service. `lab.starts()` tries all of them.

    None may show a secret. A start that must fail has to end by itself, before it listens.
    """

    about: Text
    """Why it must fail, or succeed."""
    runs: Literal["command", "prepare"] = "command"
    """Which of the two commands of `[service]`."""
    command: list[str] = Field(default=[])
    """Another documented way to start it, in place of that command, such as a script."""
    arguments: list[str] = Field(default=[])
    """Arguments after those of the command."""
    environment: dict[str, str] = Field(default={})
    """Settings that add to, or replace, the service's own. Their texts may use the placeholders of
    `[service.environment]`, and each of the service's own settings as `{NAME}`; `{service.port}` is the port of the
    service that runs.
    """
    only: list[str] | None = None
    """Only these of the service's own settings are kept; by default all of them."""
    fails: bool = Field(default=True, strict=True)
    """It must end with a status that says so: one of `ends_with` for the service, and any but 0 for `prepare`. If not,
    the service must listen, answer `alive`, and end after SIGTERM with status 0; and `prepare` must end with
    status 0."""
    says: Expression | None = None
    """What its output must contain: the reason why it fails."""
    hides: Expression | None = None
    """What its output must not contain, in addition to all secrets that the harness knows."""
    address: str | None = None
    """An address, such as `::1`, that the machine must have. If it lacks the address, this start is not tried."""

    @model_validator(mode="after")
    def _is_unlike_the_usual_start(self) -> Self:
        if not (self.command or self.arguments or self.environment) and self.only is None:
            raise wrong("changes nothing", "give it environment = { NAME = 'value' }, say")
        return self
