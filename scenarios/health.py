"""What the service says of its own health is true, whatever else is away."""

import pytest

from harness import ACKNOWLEDGED, REFUSED, Fault, Lab, Outcome, link, postgres, proves, redis, server
from scenarios.words import UNHANDLED

NO_REFUSAL = proves("errors.refuse", fails="outcome", match=UNHANDLED)
NO_FAIL_OPEN = proves("redis.fail_open", fails="outcome", match="redis.exceptions|TimeoutError")

ARCHIVE = """
CREATE FUNCTION slow_to_read(id text) RETURNS bool LANGUAGE plpgsql COST 100000 AS
$$BEGIN IF id LIKE 'archive-%' THEN PERFORM pg_sleep(0.05); END IF; RETURN true; END$$;
ALTER TABLE deliveries ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY archive ON deliveries USING (slow_to_read(id)) WITH CHECK (true);
INSERT INTO deliveries (source, id, sha256, body)
SELECT 'harness', 'archive-' || n, '', '' FROM generate_series(1, 40) n"""
"""Reading all rows takes two seconds: PostgreSQL asks this policy about each row that the service reads."""
NO_ARCHIVE = """
ALTER TABLE deliveries NO FORCE ROW LEVEL SECURITY, DISABLE ROW LEVEL SECURITY;
DROP POLICY archive ON deliveries;
DROP FUNCTION slow_to_read;
DELETE FROM deliveries WHERE id LIKE 'archive-%'"""


@pytest.mark.parametrize(
    ("faults", "expect"),
    [
        pytest.param([link.down(postgres)], REFUSED, marks=NO_REFUSAL, id="postgres-down"),
        pytest.param([link.swallow(redis)], ACKNOWLEDGED, marks=NO_FAIL_OPEN, id="redis-silent"),
        pytest.param([link.down(postgres), link.down(redis)], REFUSED, marks=NO_REFUSAL, id="both-down"),
    ],
)
async def test_health(lab: Lab, faults: list[Fault], expect: Outcome) -> None:
    """The service is alive whatever is away, ready exactly if it acknowledges, and ready again afterwards."""
    async with lab.inject(*faults):
        await lab.deliver(5, expect=expect)
        await lab.request("alive", expect=ACKNOWLEDGED)
        await lab.request("ready", expect=expect)
    await lab.request("ready", expect=ACKNOWLEDGED, within_ms=5_000)


@NO_REFUSAL
async def test_health_without_its_table(lab: Lab) -> None:
    """PostgreSQL is there, but the table of deliveries is not. The service is not ready."""
    away = server.execute(
        postgres, "ALTER TABLE deliveries RENAME TO mislaid", undo="ALTER TABLE mislaid RENAME TO deliveries"
    )
    async with lab.inject(away):
        await lab.deliver(expect=REFUSED)
        await lab.request("ready", expect=REFUSED)
    await lab.request("ready", expect=ACKNOWLEDGED, within_ms=5_000)


@NO_FAIL_OPEN
async def test_much_is_stored(lab: Lab) -> None:
    """Reading all that is stored would take long. The service reads only the row that it is asked for."""
    await lab.deliver()
    async with lab.inject(server.execute(postgres, ARCHIVE, undo=NO_ARCHIVE), link.down(redis)):
        await lab.request("ready", expect=ACKNOWLEDGED)
        await lab.deliver(3, slower_ms_max=900)
        await lab.request("again", of=0, expect=ACKNOWLEDGED)
        await lab.request("delivery", of=0, expect=ACKNOWLEDGED)
