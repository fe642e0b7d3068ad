"""A new connection to PostgreSQL breaks before its first statement, or is turned away."""

import pytest

from harness import REFUSED, Fault, Lab, Postgres, link, nightly, postgres, proves, syscall, wire
from scenarios.words import CLOSED, REFUSED_CONNECT, UNHANDLED, WAITS_FOR_POSTGRES

POOLED = Postgres("pooled")
"""The link that speaks TLS to PostgreSQL. No pooler runs here."""
VERIFIED = "DATABASE_URL={pooled.url}?sslmode=verify-full&sslrootcert={pooled.ca_file}"
LOST = proves("retry.database", fails="outcome", match="ConnectionDoesNotExistError|ConnectionResetError")
AS_LATER = nightly("a connect that breaks at another message tests the same")


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(wire.cut(postgres.sent(message="StartupMessage")), marks=[LOST, AS_LATER], id="startup"),
        pytest.param(wire.cut(postgres.sent(message="SASLInitialResponse")), marks=LOST, id="authentication"),
        pytest.param(
            wire.cut(postgres.answered(message="ReadyForQuery")), marks=[LOST, AS_LATER], id="before-ReadyForQuery"
        ),
        pytest.param(
            wire.cut(postgres.answered(message="BackendKeyData"), after_bytes=6), marks=[LOST, AS_LATER], id="half-sent"
        ),
        pytest.param(
            syscall.connect(postgres, errno="ECONNREFUSED", times=1),
            marks=proves("retry.database", fails="outcome", match=REFUSED_CONNECT),
            id="refused",
        ),
        pytest.param(
            wire.fail(postgres.sent(message="StartupMessage"), code="57P03", fatal=True),
            marks=proves("retry.database", fails="outcome", match="CannotConnectNowError"),
            id="starting-up",
        ),
        pytest.param(
            wire.fail(postgres.sent(message="StartupMessage"), code="53300", fatal=True),
            marks=proves("retry.database", fails="outcome", match="TooManyConnectionsError"),
            id="too-many-connections",
        ),
    ],
)
async def test_connecting_breaks(lab: Lab, fault: Fault) -> None:
    """The pool is empty, and the first new connection fails. Another one succeeds."""
    async with lab.inject(fault, link.cut(postgres)):
        await lab.deliver()


@proves("deadline.connect", without=("deadline.request",), fails="in_time", match=WAITS_FOR_POSTGRES)
async def test_postgres_falls_silent_while_connecting(lab: Lab) -> None:
    """PostgreSQL accepts a connection, and does not answer its first message. In time another one stores."""
    async with lab.inject(wire.stall(postgres.sent(message="SSLRequest")), link.cut(postgres)):
        await lab.deliver()


@proves("pool.pre_ping", without=("retry.database",), fails="outcome", match=CLOSED)
async def test_line_is_slow(lab: Lab) -> None:
    """Each message takes a sixth of a second. A new connection costs its login, the first after a start no more.

    A request that opens a connection waits for no other one: of several right after a start none is refused.
    """
    async with lab.inject(link.latency(postgres, latency_ms=170), link.cut(postgres)):
        await lab.deliver(slower_ms_max=1_700)
        await lab.restart("WEBHOOK_SHED_WAITING_MAX=2")
        await lab.deliver(slower_ms_max=1_700)
        await lab.deliver(4, slower_ms_max=2_500)


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}CERTIFICATE_VERIFY_FAILED")
async def test_server_is_not_who_it_should_be(lab: Lab) -> None:
    """The server's certificate has another authority or another name. It gets no password and no delivery."""
    strange, misnamed = link.handshake(POOLED, how="other_authority"), link.handshake(POOLED, how="other_name")
    for fault, mode in ((strange, "require"), (misnamed, "verify-full")):
        await lab.restart(f"DATABASE_URL={{pooled.url}}?sslmode={mode}&sslrootcert={{pooled.ca_file}}")
        await lab.deliver()
        async with lab.inject(fault, link.cut(POOLED)):
            await lab.deliver(expect=REFUSED)


@proves("errors.refuse", fails="outcome", match=f"{UNHANDLED}(SSL|Connection)")
async def test_handshake_breaks(lab: Lab) -> None:
    """TLS is declined, or its handshake breaks. The delivery is refused, never in plain text; the next is stored."""
    await lab.restart(VERIFIED)
    for how in ("declined", "cut", "cut_in_answer", "garbled", "cut_at_finished"):
        await lab.deliver()
        async with lab.inject(link.handshake(POOLED, how=how), link.cut(POOLED)):
            await lab.deliver(expect=REFUSED)


@nightly("a server that falls silent while connecting tests most of it")
@proves("deadline.connect", without=("deadline.request",), fails="in_time", match="unknown, no answer in 6.5 s")
async def test_handshake_never_ends(lab: Lab) -> None:
    """The server does not answer the ClientHello. The service gives up in time, and the next handshake is well."""
    await lab.restart(VERIFIED, "WEBHOOK_CONNECT_TIMEOUT_S=0.3")
    await lab.deliver()
    async with lab.inject(link.handshake(POOLED, how="stall"), link.cut(POOLED)):
        await lab.deliver(expect=REFUSED)
