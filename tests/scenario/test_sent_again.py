"""What is sent again after recovery: all that something may have happened to since, and some of what was refused."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

from harness.checks.facts.exchanges import AGAIN_MAX, REFUSED_AGAIN_MAX
from harness.engine.phases.recovery import refused_to_send_again, send_refused_again, to_send_again
from harness.engine.rig import Rig
from harness.engine.workload.clients import Errand
from harness.history.events import Purpose, Recovered, RequestEnded
from harness.vocabulary import REFUSED, REJECTED, THROTTLED
from tests.checks.support import Story


def again(story: Story, known: set[str]) -> list[str]:
    return [exchange.sent.delivery for exchange in to_send_again(story.recorder.history, known)]


def refused_again(story: Story, known: set[str]) -> list[str]:
    return [exchange.sent.delivery for exchange in refused_to_send_again(story.recorder.history, known)]


def delivered(story: Story, name: str, purpose: Purpose) -> None:
    story.end(story.send(name, purpose=purpose))


def test_the_rounds_before_the_fault_are_sent_again_and_the_one_after_recovery_is_not() -> None:
    story = Story().begin()
    delivered(story, "warm", Purpose.WARM)
    delivered(story, "healthy", Purpose.HEALTHY)
    delivered(story, "own", Purpose.SCENARIO)
    delivered(story, "came back", Purpose.RECOVERY)
    story.tell(Recovered(1.0))
    delivered(story, "warm again", Purpose.WARM)
    delivered(story, "healthy again", Purpose.HEALTHY)
    delivered(story, "of the contract", Purpose.CONTRACT)
    known = {"warm", "healthy", "own", "came back", "warm again", "healthy again", "of the contract"}
    assert again(story, known) == ["warm", "healthy", "own", "came back"]


def test_of_many_so_many_are_sent_again_from_first_to_last() -> None:
    story = Story().begin()
    names = [f"{number:03}" for number in range(3 * AGAIN_MAX)]
    for name in names:
        delivered(story, name, Purpose.SCENARIO)
    assert again(story, {*names}) == names[::3]


def test_what_was_refused_is_sent_again_unless_the_service_never_had_it_or_said_a_final_no() -> None:
    story = Story().begin()
    story.end(story.send("refused"), REFUSED)
    story.end(story.send("refused, and throttled"), REFUSED)
    story.end(story.send("refused, and throttled"), THROTTLED)
    story.end(story.send("refused, and rejected"), REFUSED)
    story.end(story.send("refused, and rejected"), REJECTED)
    story.end(story.send("throttled"), THROTTLED)
    story.tell(RequestEnded(story.send("not connected"), REFUSED, 1.0, None, "", "not connected"))
    story.end(story.send("of the contract", purpose=Purpose.CONTRACT), REFUSED)
    story.tell(Recovered(1.0))
    known = {
        "refused", "refused, and throttled", "refused, and rejected", "throttled", "not connected", "of the contract",
    }  # fmt: skip
    assert refused_again(story, known) == ["refused", "refused, and throttled"]
    assert again(story, known) == []


def test_of_many_that_were_refused_a_few_are_sent_again_beside_the_others() -> None:
    story = Story().begin()
    names = [f"{number:03}" for number in range(3 * REFUSED_AGAIN_MAX)]
    for name in names:
        story.end(story.send(name), REFUSED)
    delivered(story, "own", Purpose.SCENARIO)
    assert refused_again(story, {*names, "own"}) == names[::3]
    assert again(story, {*names, "own"}) == ["own"]


class Sending:
    """Clients that say which deliveries they were to send, and for what."""

    def __init__(self, *known: str) -> None:
        self.sent = {name: name for name in known}
        self.did: list[str] = []

    async def send(self, delivery: str, errand: Errand) -> None:
        self.did.append(f"{'read' if errand.name else 'sent'} {delivery} {errand.purpose.value}")

    async def read_rows(self) -> None:
        self.did.append("read rows")


def refused_and_sent_again(story: Story, *known: str) -> list[str]:
    sending = Sending(*known)
    target = SimpleNamespace(description=SimpleNamespace(reads={"one": None}))
    rig = cast("Rig", SimpleNamespace(recorder=story.recorder, clients=sending, target=target))
    asyncio.run(send_refused_again(rig, sending.read_rows))
    return sending.did


def test_rows_and_what_was_refused_are_read_before_that_is_sent_again_for_it_may_store_them() -> None:
    story = Story().begin()
    story.end(story.send("refused"), REFUSED)
    assert refused_and_sent_again(story, "refused") == [
        "read rows", f"read refused {Purpose.CONTRACT.value}", f"sent refused {Purpose.AGAIN.value}",
    ]  # fmt: skip


def test_rows_are_not_read_once_more_where_nothing_was_refused() -> None:
    story = Story().begin()
    delivered(story, "own", Purpose.SCENARIO)
    assert refused_and_sent_again(story, "own") == []
