"""What the checks' sentences say whatever the cause."""

from __future__ import annotations

import re

import pytest

from harness.checks import STANDING, Check
from harness.history.events import Asks, MomentMissed, NotRecovered
from harness.vocabulary import ACKNOWLEDGED, REFUSED, REJECTED, service
from tests.checks.loaded import collapsed
from tests.checks.spoilt import asked_until_ready, costly, nothing_is_away, terminated, told_of, tried, waited
from tests.checks.support import Story, whole


def _spoilt() -> dict[str, Story]:
    slow = whole()
    slow.end(slow.send("c", slower_ms_max=1), took_ms=5_000)
    paused = whole()
    for _ in range(8):
        paused.end(paused.send("a"), paused_ms=41.0)
    return {
        "outcome": whole().request("c", REFUSED),
        "in_time": slow,
        "slower": slow,
        "valid_is_not_rejected": whole().ask(Asks.DELIVER, "c", REJECTED),
        "owed": whole().ask(Asks.HEALTH, "", REFUSED, owed=ACKNOWLEDGED),
        "health_is_true": whole().request("a").health("ready", REFUSED),
        "health_in_time": whole().health("ready", ACKNOWLEDGED, took_ms=5_000),
        "ready_again": asked_until_ready(whole(), 5, 600),
        "answers_in_one_go": paused,
        "retries_capped": tried("c", *["lost"] * 11),
        "retries_spaced": tried("c", *["lost"] * 22, most=22, mean_ms=2),
        "final_errors_end_it": tried("c", "42501", "ok"),
        "costs_no_other": costly(),
        "errors_are_told": told_of("c"),
        "waits_for_something": waited(),
        "names_what_is_away": nothing_is_away(),
        "reached": whole().tell(MomentMissed(service.answers(5), True, 10, "2")),
        "recovers": whole().tell(NotRecovered(10, "503")),
        "comes_back": collapsed(),
        "ends_in_time": terminated(5_000),
    }


SAYING = [check for check in STANDING if check.says]


@pytest.mark.parametrize("check", SAYING, ids=[check.name for check in SAYING])
def test_its_words_are_in_the_checks_own_sentence(check: Check) -> None:
    """Otherwise an empty reason would no longer be seen to be one."""
    assert check.needs_match
    assert check.name in _spoilt(), "a check with `says` needs a history in _spoilt() that makes it fail"
    found = next(each for each in _spoilt()[check.name].judged().failing if each.name == check.name)
    words = re.findall(r"[a-z]{3,}", check.says)
    assert words
    assert [word for word in words if word not in found.reason] == []
