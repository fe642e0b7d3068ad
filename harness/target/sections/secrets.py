"""What must never appear in a service's log, answers or metrics."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field

from harness.documents import Expression, Table, wrong
from harness.target.sections.outcomes import HeaderName

GROUP: Final = "secret"
"""The group of an expression that contains the secret."""


def _expression_with_secret(text: str) -> str:
    if GROUP not in re.compile(text).groupindex:
        raise wrong("it has no group 'secret'", "write (?P<secret>...) around what is secret")
    return text


ExpressionWithSecret = Annotated[Expression, AfterValidator(_expression_with_secret)]
"""A regular expression with a group named `secret`."""


class SecretsDescription(Table):
    """What must never appear in the service's log, in its metrics, or in an answer.

    The harness always looks for the passwords in the URLs that it gives to the service. A long text counts as shown if
    its first twelve letters and digits are found. The harness does not look for shorter texts.
    """

    settings: list[str] = Field(default=[])
    """Environment variables, of `[service.environment]` or the sender's `settings`, whose values are secret: a URL's
    password, the value of `name:value` and `name=value`, and the same for each piece of a list. The harness looks for
    Base64 also in its decoded form."""
    parts: dict[str, ExpressionWithSecret] = Field(default={})
    """Which part of such a setting is secret, if it is another part: an expression with a group `secret`, by the
    setting's name. Each match is a secret."""
    headers: list[HeaderName] = Field(default=[])
    """Headers of the requests whose values are secret, such as a signature."""
    bodies: bool = Field(default=False, strict=True)
    """The sent bodies are secret. Only an answer that acknowledges, for example of a read, may show one."""
