"""What the standard suite breaks on the links of one protocol, besides what it breaks on every link.

The implementation is `STANDARD` in `harness/protocols/NAME/standard.py`. A protocol without it has what every link has:
its connections, its server, and each message that the service sends on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from harness.faults.example import Example, Ground
from harness.protocols.registry import Facet
from harness.vocabulary import ACKNOWLEDGED, Outcome

__all__ = ["STANDARD", "Break", "Standard"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """One thing that the suite breaks on a link.

    `name`: the middle of the scenario's id, `flushed` in `standard_redis_flushed`. `about`: what breaks and what is
    true all the same, in a sentence. `nightly`: why it is not for every push; empty if it is.
    """

    name: str
    about: str
    example: Example
    nightly: str = ""


def _nothing(ground: Ground) -> Iterable[Break]:
    del ground
    return ()


def _any_statement(text: str) -> bool:
    del text
    return True


def _no_statement(text: str) -> bool:
    del text
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standard:
    """What the suite knows of a protocol.

    `cut_once`: the outcome that a delivery must have if one connection or message was lost, and all else is well. Not
    every protocol may repeat a request that the other side may have carried out. `breaks`: what is broken on a link of
    this protocol only; of a ground without a table, say, less. `may_err`: whether its server may answer this statement
    with an error at all. `writes`: whether a statement writes what is delivered. `commits`: whether it is after
    this one that what was written stays.
    """

    cut_once: Outcome = ACKNOWLEDGED
    breaks: Callable[[Ground], Iterable[Break]] = _nothing
    may_err: Callable[[str], bool] = _any_statement
    writes: Callable[[str], bool] = _no_statement
    commits: Callable[[str], bool] = _no_statement


STANDARD: Final[Facet[Standard]] = Facet("standard", "STANDARD", absent=Standard())
