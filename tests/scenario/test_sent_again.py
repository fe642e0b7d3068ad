"""What is sent again after recovery: all that something may have happened to since it was acknowledged."""

from __future__ import annotations

from harness.checks.facts.exchanges import AGAIN_MAX
from harness.engine.phases.recovery import to_send_again
from harness.history.events import Purpose, Recovered
from harness.vocabulary import REFUSED
from tests.checks.support import Story


def again(story: Story, known: set[str]) -> list[str]:
    return [exchange.sent.delivery for exchange in to_send_again(story.recorder.history, known)]


def delivered(story: Story, name: str, purpose: Purpose) -> None:
    story.end(story.send(name, purpose=purpose))


def test_the_rounds_before_the_fault_are_sent_again_and_the_one_after_recovery_is_not() -> None:
    story = Story().begin()
    delivered(story, "warm", Purpose.WARM)
    delivered(story, "healthy", Purpose.HEALTHY)
    delivered(story, "own", Purpose.SCENARIO)
    story.end(story.send("refused"), REFUSED)
    delivered(story, "came back", Purpose.RECOVERY)
    story.tell(Recovered(1.0))
    delivered(story, "warm again", Purpose.WARM)
    delivered(story, "healthy again", Purpose.HEALTHY)
    delivered(story, "of the contract", Purpose.CONTRACT)
    known = {"warm", "healthy", "own", "refused", "came back", "warm again", "healthy again", "of the contract"}
    assert again(story, known) == ["warm", "healthy", "own", "came back"]


def test_of_many_so_many_are_sent_again_from_first_to_last() -> None:
    story = Story().begin()
    names = [f"{number:03}" for number in range(3 * AGAIN_MAX)]
    for name in names:
        delivered(story, name, Purpose.SCENARIO)
    assert again(story, {*names}) == names[::3]
