"""Checks that the service's log lines and metrics are as approved, and agree with each other."""

from __future__ import annotations

from collections.abc import Sequence

from harness.checks.clock import Late
from harness.checks.facts.exchanges import exchanges
from harness.checks.registry import Examined, Kind, check
from harness.faults.fault import Fault
from harness.history import History
from harness.history.events import CountsLogged, FaultActed, SaidCompared, ServerBlamed
from harness.vocabulary import Link

SHOWN = 3
MEND = "if it is meant, run `python -m harness said --update` and review the difference"


@check(Kind.REST)
def said_as_approved(history: History) -> Examined:
    """Each line of the log and each metric has an approved form. A line must also fit the answers that clients got."""
    compared = list(history.of(SaidCompared))
    other = [each for one in compared for each in one.other]
    more = f" (and {len(other) - SHOWN} more)" if len(other) > SHOWN else ""
    lines, series = sum(one.lines for one in compared), sum(one.series for one in compared)
    return Examined(
        problem=f"{'; '.join(other[:SHOWN])}{more}; {MEND}" if other else "",
        saw=f"{lines} lines and {series} series of metrics" if compared else "nothing is approved",
        observations=lines + series,
    )


@check(Kind.REST)
def counts_as_logged(history: History) -> Examined:
    """A counter has grown by the number of log lines about the same events."""
    counts = [each for one in history.of(CountsLogged) for each in one.counts]
    other = [f"{each.series} has counted {each.grown:g}, but the log reports {each.lines}"
             for each in counts if each.grown != each.lines]  # fmt: skip
    more = f" (and {len(other) - SHOWN} more)" if len(other) > SHOWN else ""
    return Examined(
        problem="; ".join(other[:SHOWN]) + more,
        saw=f"{len(counts)} counters compared with the log" if counts else "no counter can be compared",
        observations=len(counts),
    )


@check(Kind.REST)
def healthy_is_not_blamed(history: History) -> Examined:
    """The log says that a server failed the service only if a fault touched that server, or the service's process."""
    faults = [acted.fault for acted in history.of(FaultActed) if isinstance(acted.fault, Fault)]
    judged = [each for each in history.of(ServerBlamed) if not any(_touches(fault, each) for fault in faults)]
    return Examined(
        problem="; ".join(
            f"{each.link} was blamed in {each.lines} lines, although no fault touched it: {each.example}"
            for each in judged
            if each.lines
        ),
        saw=f"{sum(each.read for each in judged)} lines of the log that may not blame a server",
        observations=sum(each.read for each in judged),
        clock=_waits(history, judged),
    )


def _waits(history: History, judged: Sequence[ServerBlamed]) -> tuple[Late, ...]:
    """The requests that the blaming lines are about: each may have waited for a core until a limit of the service's.

    None if a line is about no request, or about one that got its answer at once. Such a line is wrong on any machine.
    """
    about = {delivery for each in judged for delivery in each.deliveries}
    waited = [e for e in exchanges(history) if e.sent.delivery in about and e.waited]
    unnamed = any(each.lines != len(each.deliveries) for each in judged)
    return () if unnamed or about - {e.sent.delivery for e in waited} else tuple(Late(e.span) for e in waited)


def _touches(fault: Fault, blamed: ServerBlamed) -> bool:
    """Whether the log may say so: a fault without a link strikes the service itself, and so everything that it uses."""
    link = getattr(fault, "link", None)
    return not isinstance(link, Link) or link.name in blamed.near
