"""Connects that fail on the service's own side of the socket: Error 22, and WinError 121's errno.

Windows itself is not tested. CPython there turns WinError 121, the semaphore timeout, into errno 22,
which redis-py prints as "Error 22 connecting to ..."; Linux calls the same event ETIMEDOUT, 110.
"""

import pytest

from harness import (
    ACKNOWLEDGED,
    REFUSED,
    Errno,
    Fault,
    Lab,
    Link,
    Outcome,
    link,
    postgres,
    process,
    proves,
    redis,
    service,
    syscall,
)
from scenarios.night import at_night
from scenarios.words import ERROR_22, UNHANDLED

NO_FAIL_OPEN = proves("redis.fail_open", fails="outcome", match="Error 22 connecting|Timeout connecting")
NO_REFUSAL = proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}Errno (22|110)")


DOES_NOT_START = proves(under="unprotected", fails="alive", match=ERROR_22)
FAILS_DELIVERIES = proves(under="unprotected", fails="outcome", match=ERROR_22)


@pytest.mark.parametrize(
    ("faults", "restarted"),
    [
        pytest.param(
            [process.misconfigure(redis, url="redis://[fe80::1]:6379")], False, marks=DOES_NOT_START, id="at-start"
        ),
        pytest.param([syscall.connect(redis, errno="EINVAL")], True, marks=DOES_NOT_START, id="new-connection"),
        pytest.param(
            [syscall.connect(redis, errno="EINVAL"), link.cut(redis)], False, marks=FAILS_DELIVERIES, id="idle-pool"
        ),
    ],
)
@proves("redis.fail_open", fails="outcome", match=ERROR_22)
async def test_redis_error_22(lab: Lab, faults: list[Fault], restarted: bool) -> None:
    """Redis fails with the incident's own line, word for word. Deliveries are acknowledged all the same."""
    async with lab.inject(*faults):
        if restarted:
            await lab.restart()
        await lab.deliver(5, slower_ms_max=500)
        await lab.deliver(5, slower_ms_max=500)
        await lab.until(service.logged(ERROR_22))


@pytest.mark.parametrize("errno", ["ETIMEDOUT", *at_night("ETIMEDOUT tests most of it", "EINVAL")])
@pytest.mark.parametrize(
    ("target", "expect"),
    [
        pytest.param(redis, ACKNOWLEDGED, marks=NO_FAIL_OPEN),
        pytest.param(postgres, REFUSED, marks=NO_REFUSAL),
    ],
)
async def test_connect_fails_as_winerror_121_does(lab: Lab, target: Link, expect: Outcome, errno: Errno) -> None:
    """WinError 121 is ETIMEDOUT on Linux, and EINVAL in CPython on Windows. The service survives both."""
    async with lab.inject(syscall.connect(target, errno=errno), link.cut(target)):
        await lab.deliver(5, expect=expect)
