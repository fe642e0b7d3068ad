"""The registered protocols, and where each layer of the harness finds its part of one.

A protocol is a folder beside this file and one line in `PROTOCOLS`. Each module of the folder that a layer uses
contains one *facet*. A facet is imported by its name when it is first used. So the relay's process imports no server,
and no layer imports a module of a layer above it.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Final, Generic, TypeVar, cast

from harness.errors import UsageError

__all__ = ["PROTOCOLS", "Facet", "check_protocol", "import_everywhere"]

PROTOCOLS: Final[tuple[str, ...]] = (
    "postgres",
    "redis",
    "nats",
    "http",
    "tcp",
)
"""Every protocol, by the name of its folder: reports and maps show them in this order."""

FacetT = TypeVar("FacetT")


def check_protocol(name: str, *, place: str = "protocols", key: str = "protocol") -> None:
    """Refuse a protocol that is not registered.

    Raises:
        UsageError: with `place` and `key`, where the name was written, and the nearest registered name.
    """
    if name not in PROTOCOLS:
        raise UsageError.at(place, key, name, "no such protocol", valid=PROTOCOLS)


@cache
def import_everywhere(module: str) -> None:
    """Import this module of every protocol that has it, so that the kinds of values in it are registered.

    It does so once in a process.
    """
    for protocol in PROTOCOLS:
        name = f"{__package__}.{protocol}.{module}"
        if find_spec(name) is not None:
            import_module(name)


class Facet(Generic[FacetT]):
    """One facet of every protocol, for the layer that needs it.

    The facet of a protocol is the object `attribute` in the module `module` of the protocol's folder:

        SPEECH: Facet[Speech] = Facet("speech", "SPEECH")
        SPEECH.of("postgres")  # harness.protocols.postgres.speech.SPEECH

    Annotate that object with the contract's type (`SPEECH: Speech = ...`): mypy then checks it. `absent`: the facet of
    a protocol without such a module. If `absent` is not given, each protocol must have the module.
    """

    def __init__(self, module: str, attribute: str, *, absent: FacetT | None = None) -> None:
        self._module = module
        self._attribute = attribute
        self._absent = absent
        self._known: dict[str, FacetT] = {}

    def of(self, protocol: str) -> FacetT:
        """Return a protocol's facet; the first call imports it.

        Raises:
            UsageError: no such protocol is registered; the error names the nearest one.
        """
        if protocol not in self._known:
            check_protocol(protocol)
            self._known[protocol] = self._found(f"{__package__}.{protocol}.{self._module}")
        return self._known[protocol]

    def _found(self, module: str) -> FacetT:
        if self._absent is not None and find_spec(module) is None:
            return self._absent
        return cast("FacetT", getattr(import_module(module), self._attribute))

    def all(self) -> Mapping[str, FacetT]:
        """Return this facet of every protocol, by name, in the order of PROTOCOLS."""
        return {protocol: self.of(protocol) for protocol in PROTOCOLS}
