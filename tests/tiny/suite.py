"""Scenarios of the tiny service, one for each verdict. The tests copy this file into a suite of their own."""

import pytest

from harness import REFUSED, Fault, Lab, link, needs, no_fault, postgres, proves, service

LOST = "the connection was lost"


@proves("retry", fails="outcome", match=LOST)
@proves(under="bare", fails="outcome", match=LOST)
async def test_cut(lab: Lab) -> None:
    await lab.until(postgres.idle(at_least=1))
    await lab.inject(link.cut(postgres))
    await lab.deliver()


@pytest.mark.parametrize("fault", [no_fault])
@proves("store", fails="acknowledged_is_stored")
async def test_healthy(lab: Lab, fault: Fault) -> None:
    async with lab.inject(fault):
        await lab.deliver(2)


@proves("retry", fails="outcome", match=LOST)
async def test_too_much_asked(lab: Lab) -> None:
    await lab.deliver(expect=REFUSED)


@proves("retry", fails="outcome", match=LOST)
async def test_never_felt(lab: Lab) -> None:
    async with lab.inject(link.latency(postgres, latency_ms=1)):
        pass


@needs("own_redis")
@proves("retry", fails="outcome", match=LOST)
async def test_elsewhere(lab: Lab) -> None:
    await lab.inject(no_fault)
    await lab.deliver()


@proves("retry", fails="outcome", match=LOST)
async def test_waits(lab: Lab) -> None:
    await lab.until(service.logged("nothing of the kind"), within_s=60)
