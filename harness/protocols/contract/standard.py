"""What the standard suite breaks on the links of one protocol, in addition to what it breaks on every link.

The implementation is `STANDARD` in `harness/protocols/NAME/standard.py`. Without it, the suite breaks what every link
has: its connections, its server, and each message that the service sends on it.
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

    `name`: the middle of the scenario's id, `flushed` in `standard_redis_flushed`. `about`: what breaks and what must
    still be true, in a sentence. `nightly`: why it does not run on every push; empty if it does.
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
    """What the suite knows about a protocol.

    `cut_once`: the outcome that a delivery must have if one connection or message was lost and everything else works.
    In some protocols a service must not repeat a request that may have been carried out. `breaks`: what is broken on
    links of this protocol only; fewer things if, for example, the ground has no table. `may_err`: whether its server
    can answer this statement with an error at all. `writes`: whether a statement writes a delivery. `commits`: whether
    the written data stays after this statement. `calls`: whether a statement is a call to another service, which a
    worker may repeat for as long as it fails.
    """

    cut_once: Outcome = ACKNOWLEDGED
    breaks: Callable[[Ground], Iterable[Break]] = _nothing
    may_err: Callable[[str], bool] = _any_statement
    writes: Callable[[str], bool] = _no_statement
    commits: Callable[[str], bool] = _no_statement
    calls: bool = False


STANDARD: Final[Facet[Standard]] = Facet("standard", "STANDARD", absent=Standard())
