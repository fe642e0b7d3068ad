"""What the service logs cannot be written."""

from typing import Literal

import pytest

from harness import REFUSED, Lab, link, postgres, process, proves, service


@pytest.mark.parametrize("to", ["full disk", "closed pipe"], ids=["full-disk", "closed-pipe"])
@proves("redis.fail_open", fails="outcome", match="status 500|unknown|refused")
async def test_log_cannot_be_written(lab: Lab, to: Literal["full disk", "closed pipe"]) -> None:
    """Each delivery logs that it was refused, and none can: the lines are counted, and nothing else changes."""
    async with lab.inject(process.lose_output(to=to)):
        async with lab.inject(link.down(postgres)):
            await lab.deliver(3, expect=REFUSED)
        await lab.deliver()
        lab.expect(service.metric("webhook_log_lines_lost"), at_least=3)
