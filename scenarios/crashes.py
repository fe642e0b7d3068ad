"""PostgreSQL crashes in the middle of its work, and recovers from its log."""

from harness import ACKNOWLEDGED, ANY_OUTCOME, Lab, postgres, proves, server, service

CRASH = "COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'"
"""The server's process of this session kills itself, whereupon PostgreSQL ends all others and recovers."""


@proves("errors.refuse", fails="log_clean", match="Exception in ASGI application")
async def test_postgres_crashes_and_recovers(lab: Lab) -> None:
    """What was acknowledged up to the last moment is there afterwards, and the service goes on."""
    async with lab.traffic(clients=4, expect=ANY_OUTCOME):
        await lab.until(service.answers(at_least=20, outcome=ACKNOWLEDGED))
        await lab.inject(server.execute(postgres, CRASH, undo="SELECT 1"))
        await lab.until(service.answers(at_least=20, outcome=ACKNOWLEDGED))
