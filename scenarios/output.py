"""The service cannot write its log."""

from typing import Literal

import pytest

from harness import REFUSED, Lab, link, nightly, postgres, process, proves, service


@pytest.mark.parametrize(
    "to",
    [
        pytest.param("full disk", id="full-disk"),
        pytest.param("closed pipe", id="closed-pipe", marks=nightly("a full disk tests the same")),
    ],
)
@proves("errors.refuse", fails="outcome", match="unknown, status 500")
async def test_log_cannot_be_written(lab: Lab, to: Literal["full disk", "closed pipe"]) -> None:
    """Each refused delivery is logged, and none of these lines can be written. The service counts them and goes on."""
    async with lab.inject(process.lose_output(to=to)):
        async with lab.limits(service.metric("webhook_log_lines_lost"), at_least=3), lab.inject(link.down(postgres)):
            await lab.deliver(3, expect=REFUSED)
        await lab.deliver()
