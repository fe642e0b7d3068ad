"""Scenarios of the paying service: what it calls fails it in each way that the relay knows."""

from __future__ import annotations

import pytest

from harness import REFUSED, Fault, Http, Lab, Tcp, link, proves, wire, wrong_length

payments, ledger = Http("payments"), Tcp("ledger")
CHARGE = "POST /charges"
SECOND_CHUNK = payments.answered("GET /limits", message="Chunk", nth=2)
TRIED_AGAIN = "the payment( failed| was answered|'s answer)|the ledger"


FAULTS = [
    pytest.param(wire.cut(payments.sent(CHARGE)), id="not-sent"),
    pytest.param(wire.cut(payments.answered(CHARGE)), id="not-answered"),
    pytest.param(wire.reset(payments.answered(CHARGE), after_bytes=20), id="reset-in-the-head"),
    pytest.param(wire.cut(SECOND_CHUNK, after_bytes=5), id="half-a-chunk"),
    pytest.param(wire.cut(payments.answered(CHARGE, message="Response"), after=True), id="no-body"),
    pytest.param(wire.drop(payments.sent(CHARGE)), id="dropped"),
    pytest.param(wire.stall(payments.answered(CHARGE)), id="stalled"),
    pytest.param(wire.delay(payments.answered(CHARGE), delay_ms=2000), id="delayed"),
    pytest.param(wire.late(payments.answered(CHARGE)), id="late"),
    pytest.param(wire.fail(payments.sent(CHARGE), code="503"), id="503"),
    pytest.param(wrong_length(payments.answered(CHARGE), by=10), id="too-long"),
    pytest.param(wrong_length(payments.answered(CHARGE), by=-2), id="too-short"),
    pytest.param(wire.cut(ledger.sent(), after_bytes=5), id="ledger-half-sent"),
    pytest.param(wire.cut(ledger.answered(), after_bytes=5), id="ledger-half-answered"),
    pytest.param(wire.reset(ledger.sent()), id="ledger-reset"),
]


@pytest.mark.parametrize("fault", FAULTS)
@proves("retry", fails="outcome", match=TRIED_AGAIN)
async def test_tried_again(lab: Lab, fault: Fault) -> None:
    async with lab.inject(fault):
        await lab.deliver()


@proves("fresh", fails="outcome", match="the payment failed")
async def test_rest_of_an_answer(lab: Lab) -> None:
    """What a response has too much is still there when the next one comes: another connection is needed."""
    async with lab.inject(wrong_length(payments.answered(CHARGE), by=-2)):
        await lab.deliver()


@proves("patience", fails="in_time", match="payments")
async def test_payment_stalled(lab: Lab) -> None:
    async with lab.inject(wire.stall(payments.answered(CHARGE), always=True)):
        await lab.deliver(expect=REFUSED)


@proves("patience", fails="in_time", match="ledger")
async def test_ledger_swallows(lab: Lab) -> None:
    async with lab.inject(link.swallow(ledger)):
        await lab.deliver(expect=REFUSED)


@proves("noted", fails="outcome", match="went on without the ledger")
async def test_ledger_down(lab: Lab) -> None:
    async with lab.inject(link.down(ledger)):
        await lab.deliver(expect=REFUSED)
