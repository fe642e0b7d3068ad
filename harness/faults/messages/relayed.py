"""From a scenario's message to a rule of the relay, and from the relay's reports back to words."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from harness.faults.site import Site
from harness.relay import Action, Fired, Match, Passed, Report, Rule
from harness.vocabulary import Message

MISSES_SHOWN = 3
_numbers = itertools.count(1)


def rule_for(
    hop: str, at: Message, action: Action, *, always: bool, rule_id: str = "", after: str | None = None
) -> Rule:
    """A rule for one message of one running service. `hop`: the relay's name for the message's link there.

    `rule_id`: a new one if none is given. `after`: the id of another rule, which must have fired before.
    """
    match = Match(
        direction=at.direction,
        text=at.text,
        message=at.message,
        phase=at.phase,
        having=None if at.having is None else at.having.encode(),
        connection=at.connection,
        nth=at.nth,
        after=after,
    )
    name = rule_id or f"{at}-{next(_numbers)}"
    return Rule(id=name, hop=hop, match=match, action=action, always=always)


async def misses(site: Site, rule: Rule) -> str:
    """The messages that the relay saw instead, closest first; "" if the rule has fired, or is not armed."""
    if not site.relay.is_armed(rule.id) or await site.relay.fired(rule.id):
        return ""
    seen: Sequence[str] = await site.relay.near_misses(rule.id)
    return "; ".join(seen[:MISSES_SHOWN]) or "no message at all"


async def fired(site: Site, rule: Rule) -> None:
    """Wait until the rule has fired."""
    await _reported(site, Fired, rule)


async def passed(site: Site, rule: Rule) -> None:
    """Wait until the messages that the rule held have been passed on."""
    await _reported(site, Passed, rule)


async def _reported(site: Site, kind: type[Fired | Passed], rule: Rule) -> None:
    """Wait, without a limit, for the rule's report. One that has already come counts."""

    def such(report: Report) -> bool:
        return isinstance(report, kind) and report.rule == rule.id

    await site.relay.next_report(such, math.inf, since=0)
