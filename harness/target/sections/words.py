"""The kinds of values that the sections of a target description share: names, settings, expressions."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from harness.documents import Expression, wrong
from harness.protocols.registry import PROTOCOLS


def _expression_with_port(text: str) -> str:
    if "port" not in re.compile(text).groupindex:
        raise wrong("has no group named port", r"put (?P<port>\d+) where the port stands")
    return text


def _name(text: str) -> str:
    if not re.fullmatch(r"[a-z][a-z0-9_.]*", text):
        raise wrong("not a name", "begin with a-z, go on with a-z 0-9 _ .")
    return text


def _protocol(text: str) -> str:
    if text not in PROTOCOLS:
        raise wrong("no such protocol", "", valid=PROTOCOLS)
    return text


def _some_settings(settings: dict[str, str]) -> dict[str, str]:
    if not settings:
        raise wrong("sets nothing, so it switches nothing off", "name a setting, such as { WEBHOOK_RETRY = 'off' }")
    return settings


def _host_name(text: str) -> str:
    if not re.fullmatch(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,62}\.)*[a-z0-9-]{0,62}[a-z]", text):
        raise wrong("not a host name", "write lower-case letters, digits, hyphens and full stops, such as db.test")
    if text.rpartition(".")[2] in LOOKED_UP_OTHERWISE:
        raise wrong(
            "programs do not ask a name server for such a name", "write one that ends with .test, such as db.test"
        )
    return text


LOOKED_UP_OTHERWISE = ("local", "localhost")
ExpressionWithPort = Annotated[Expression, AfterValidator(_expression_with_port)]
Environment = dict[str, str]
Switch = Annotated[Environment, AfterValidator(_some_settings)]
Name = Annotated[str, AfterValidator(_name)]
ProtocolName = Annotated[str, AfterValidator(_protocol)]
HostName = Annotated[str, AfterValidator(_host_name)]
Label = Annotated[str, Field(min_length=1, max_length=30)]
