"""What the service logs cannot be written."""

from typing import Literal

import pytest

from harness import REFUSED, Lab, link, postgres, process, proves


@pytest.mark.parametrize("to", ["full disk", "closed pipe"], ids=["full-disk", "closed-pipe"])
@proves("errors.refuse", fails="outcome", match="unknown, status 500")
async def test_log_cannot_be_written(lab: Lab, to: Literal["full disk", "closed pipe"]) -> None:
    """Each delivery logs that it was refused, and none of these lines can be written: nothing else changes."""
    async with lab.inject(process.lose_output(to=to)):
        async with lab.inject(link.down(postgres)):
            await lab.deliver(3, expect=REFUSED)
        await lab.deliver()
