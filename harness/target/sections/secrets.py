"""What must never appear in a service's log, answers or metrics."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from harness.documents import Expression, Table, wrong
from harness.target.sections.outcomes import HeaderName

GROUP: Final = "secret"
"""The group of an expression that has what is secret."""


def _expression_with_secret(text: str) -> str:
    if GROUP not in re.compile(text).groupindex:
        raise wrong("it has no group 'secret'", "write (?P<secret>...) around what is secret")
    return text


ExpressionWithSecret = Annotated[Expression, AfterValidator(_expression_with_secret)]
"""A regular expression with a group named `secret`."""


class SecretsDescription(Table):
    """What must never appear in the service's log, in its metrics, or in an answer.

    The passwords in the URLs that the harness gives it are always sought. A longer text counts as shown by its first
    twelve letters and digits; what is shorter is not sought.
    """

    settings: list[str] = Field(default=[])
    """Environment variables, of `[service.environment]` or the sender's `settings`, whose values are secret: of a
    URL its password, of `name:value` and `name=value` the value, of a list that in each piece. Base64 is sought also as
    the bytes that it stands for."""
    parts: dict[str, ExpressionWithSecret] = Field(default={})
    """Which part of such a setting is secret, if it is another part: an expression with a group `secret`, by the
    setting's name. Each match is one."""
    headers: list[HeaderName] = Field(default=[])
    """Headers of the requests whose values are secret, such as a signature."""
    bodies: bool = Field(default=False, strict=True)
    """The bodies that were sent are secret. Only an answer that acknowledges, a read's for example, may show one."""
