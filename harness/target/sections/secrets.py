"""What must never appear in what a service says: its log, its answers, its metrics."""

from __future__ import annotations

from pydantic import Field

from harness.documents import Table
from harness.target.sections.outcomes import HeaderName


class SecretsDescription(Table):
    """What must never appear in the service's log, in its metrics, or in an answer.

    The passwords in the URLs that the harness gives it are always sought. A longer text counts as shown by its first
    twelve letters and digits; what is shorter is not sought.
    """

    settings: list[str] = Field(default=[])
    """Environment variables, of `[service.environment]` or the sender's `settings`, whose values are secret. What
    commas, colons and blanks part is sought piece by piece; base64 also as the bytes that it stands for."""
    headers: list[HeaderName] = Field(default=[])
    """Headers of the requests whose values are secret, such as a signature."""
    bodies: bool = Field(default=False, strict=True)
    """The bodies that were sent are secret. Only an answer that acknowledges, a read's for example, may show one."""
