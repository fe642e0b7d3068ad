"""What the stub of an HTTP link answers: `[servers.NAME]` of a target whose links speak HTTP."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, Field, model_validator

from harness.documents import Table, wrong
from harness.protocols.contract.options import ServerOptions

__all__ = ["OPTIONS", "Answer", "HttpOptions"]

REQUEST: Final = re.compile(r"[A-Z][A-Z-]* /\S*")
NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
FRAMING: Final = ("content-length", "transfer-encoding")
BODILESS: Final = (204, 304)


def _request(text: str) -> str:
    if not REQUEST.fullmatch(text):
        raise wrong("not a request's beginning", "write a method and a path, such as 'POST /charges'")
    return text


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not NAME.fullmatch(name) or not value.isprintable() or not value.isascii():
            raise wrong(f"{name!r} is not a header of one line", "write its name, and its value in ASCII")
        if name.lower() in FRAMING:
            raise wrong(f"the stub writes {name} itself", f"take {name} out; the fault wrong_length changes it")
    return headers


class Answer(Table):
    """One answer, to every request whose method and path begin with `request`. The first answer that fits is sent."""

    request: Annotated[str, AfterValidator(_request)]
    """As in `http.sent("POST /charges")`: "POST /charges"."""
    status: int = Field(default=200, ge=200, le=599)
    """The answer's status."""
    headers: Annotated[dict[str, str], AfterValidator(_headers)] = Field(default={})
    """Its headers, without the ones for its length."""
    body: str = ""
    """Sent as a whole, with its length."""
    chunks: list[Annotated[str, Field(min_length=1)]] = Field(default=[])
    """In place of `body`: sent in chunks, one for each text."""

    @model_validator(mode="after")
    def _one_body(self) -> Answer:
        if self.body and self.chunks:
            raise wrong("either as a whole or in chunks", "leave one of body and chunks out", key="chunks")
        if self.status in BODILESS and (self.body or self.chunks):
            raise wrong(f"an answer with {self.status} has no body", "leave body and chunks out", key="status")
        return self


class HttpOptions(ServerOptions):
    """What the stub answers. Any other request gets a 404 whose body says so."""

    answers: list[Answer] = Field(default=[])
    """Its answers, each a table `[[servers.NAME.answers]]`."""


OPTIONS: Final[type[ServerOptions]] = HttpOptions
