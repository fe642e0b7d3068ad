from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.scenario.scenario import Scenario
from harness.suite import select


async def _play(_: object) -> None: ...


SUITE = [
    Scenario(id=name, theme=theme, play=_play)
    for name, theme in [("cut[a]", "pool"), ("cut[b]", "pool"), ("slow", "pool"), ("pool", "redis"), ("full", "redis")]
]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ([], ["cut[a]", "cut[b]", "slow", "pool", "full"]),
        (["cut[b]"], ["cut[b]"]),
        (["cut"], ["cut[a]", "cut[b]"]),
        (["redis"], ["pool", "full"]),
        (["pool"], ["pool"]),
        (["full", "slow", "full"], ["slow", "full"]),
    ],
    ids=["all", "id", "name", "theme", "id before theme", "suite's order, each once"],
)
def test_words_name_scenarios(words: list[str], ids: list[str]) -> None:
    assert [scenario.id for scenario in select(SUITE, words)] == ids


def test_an_unknown_word_is_answered_with_the_closest_known_one() -> None:
    with pytest.raises(UsageError, match=r"ID = 'slwo': no scenario.*closest valid: 'slow'.*themes: pool, redis"):
        select(SUITE, ["cut[a]", "slwo"])


def test_nothing_is_near_to_nonsense() -> None:
    with pytest.raises(UsageError) as caught:
        select(SUITE, ["?"])
    assert "closest" not in str(caught.value)
    assert "mend: leave it out" in str(caught.value)
