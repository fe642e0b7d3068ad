"""What the checks' sentences say whatever the cause."""

from __future__ import annotations

import re
from typing import get_args

import pytest

from harness.checks.proof import SAYS_ALWAYS, SymptomCheck
from harness.history.events import MomentMissed, NotRecovered
from harness.vocabulary import REFUSED, service
from tests.checks.support import Story, whole


def _spoilt() -> dict[str, Story]:
    slow = whole()
    slow.end(slow.send("c", slower_ms_max=1), took_ms=5_000)
    return {
        "outcome": whole().request("c", REFUSED),
        "in_time": slow,
        "slower": slow,
        "reached": whole().tell(MomentMissed(service.answers(5), True, 10, "2")),
        "recovers": whole().tell(NotRecovered(10, "503")),
    }


@pytest.mark.parametrize("check", sorted(SAYS_ALWAYS))
def test_its_words_are_in_the_checks_own_sentence(check: str) -> None:
    """Otherwise an empty reason would no longer be seen to be one."""
    assert check in get_args(SymptomCheck)
    found = next(each for each in _spoilt()[check].judged().failing if each.name == check)
    words = re.findall(r"[a-z]{3,}", SAYS_ALWAYS[check])
    assert words
    assert [word for word in words if word not in found.reason] == []
