from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.scenario.scenario import Scenario
from harness.suite import select
from harness.suite.selection.words import ambiguous_words


async def _play(_: object) -> None: ...


SUITE = [
    Scenario(id=name, theme=theme, play=_play)
    for name, theme in [
        ("cut[a]", "pool"),
        ("cut[b]", "pool"),
        ("slow", "pool"),
        ("pool", "redis"),
        ("full", "redis"),
        ("alone", "alone"),
    ]
]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ([], ["cut[a]", "cut[b]", "slow", "pool", "full", "alone"]),
        (["cut[b]"], ["cut[b]"]),
        (["cut"], ["cut[a]", "cut[b]"]),
        (["redis"], ["pool", "full"]),
        (["scenario:pool"], ["pool"]),
        (["theme:pool"], ["cut[a]", "cut[b]", "slow"]),
        (["scenario:cut", "theme:redis"], ["cut[a]", "cut[b]", "pool", "full"]),
        (["alone"], ["alone"]),
        (["full", "slow", "full"], ["slow", "full"]),
    ],
    ids=[
        "all",
        "id",
        "name",
        "theme",
        "as scenario",
        "as theme",
        "both",
        "all of its theme",
        "suite's order, each once",
    ],
)
def test_words_name_scenarios(words: list[str], ids: list[str]) -> None:
    assert [scenario.id for scenario in select(SUITE, words)] == ids


def test_an_unknown_word_is_answered_with_the_closest_known_one() -> None:
    with pytest.raises(
        UsageError, match=r"ID = 'slwo': no scenario.*closest valid: 'slow'.*themes: alone, pool, redis"
    ):
        select(SUITE, ["cut[a]", "slwo"])


def test_nothing_is_near_to_nonsense() -> None:
    with pytest.raises(UsageError) as caught:
        select(SUITE, ["?"])
    assert "closest" not in str(caught.value)
    assert "mend: leave it out" in str(caught.value)


def test_a_word_that_is_a_scenario_and_a_theme_is_refused_with_both() -> None:
    with pytest.raises(UsageError) as caught:
        select(SUITE, ["pool"])
    assert str(caught.value) == (
        "command line: ID = 'pool': is a scenario (1 run), and a theme (3 scenarios)\n"
        "  mend: write scenario:pool or theme:pool"
    )
    assert ambiguous_words(SUITE) == {"pool"}


def test_the_nearest_name_is_given_as_it_is_accepted() -> None:
    with pytest.raises(UsageError) as caught:
        select(SUITE, ["pool*"])
    assert str(caught.value).endswith("\n  mend: write scenario:pool or theme:pool")


@pytest.mark.parametrize("word", ["theme:full", "scenario:redis", "scenario:"])
def test_a_prefix_admits_no_other_meaning(word: str) -> None:
    with pytest.raises(UsageError, match="no scenario, and no theme, has this name"):
        select(SUITE, [word])


def test_those_for_the_night_are_left_out_unless_they_are_named_or_asked_for() -> None:
    suite = [*SUITE, Scenario(id="long", theme="pool", play=_play, nightly="waits for two deadlines")]
    assert [each.id for each in select(suite, [], nightly=False)] == [each.id for each in SUITE]
    assert [each.id for each in select(suite, [])][-1] == "long"
    assert [each.id for each in select(suite, ["long"], nightly=False)] == ["long"]
    assert "long" in [each.id for each in select(suite, ["theme:pool"], nightly=False)]
