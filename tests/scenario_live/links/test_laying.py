"""Links as they are laid: with Toxiproxy in the way, and without."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from harness.engine.laying.links import LANE, SCENARIO, Laying, laid_links, proxies_left
from harness.engine.laying.testbed import Testbed
from harness.errors import HarnessError
from harness.protocols.contract.about import ABOUT
from harness.target.placeholders import CA_FILE, NAME, NAMED_URL
from tests.scenario_live.support import left_over


@pytest.mark.parametrize("laying", [SCENARIO, LANE], ids=["scenario", "lane"])
def test_a_service_gets_to_its_database_with_toxiproxy_in_the_way_or_not(bed: Testbed, laying: Laying) -> None:
    asyncio.run(_reached(bed, laying))
    assert left_over(bed) == []


async def _reached(bed: Testbed, laying: Laying) -> None:
    async with bed.stack.relay.control() as relay, laid_links(bed, relay, next(bed.numbers), laying) as links:
        session = await asyncpg.connect(links["postgres"].words["url"])
        try:
            assert await session.fetchval("SELECT current_database()") == links["postgres"].words["database"]
        finally:
            await session.close()
        for laid in links.values():
            described = bed.target.description.links[laid.link.name]
            more = {*((NAME, NAMED_URL) if described.name else ()), *((CA_FILE,) if described.tls else ())}
            assert set(laid.words) == {*ABOUT.of(laid.link.protocol).placeholders, *more}, "a target may name them all"
        assert len(proxies_left(bed)) == (len(links) if laying.via_toxiproxy else 0)
        assert all((laid.through is not None) == laying.via_toxiproxy for laid in links.values())


def test_a_link_without_toxiproxy_names_no_proxy(bed: Testbed) -> None:
    async def proxy_of_a_lane() -> str:
        async with bed.stack.relay.control() as relay, laid_links(bed, relay, next(bed.numbers), LANE) as links:
            return links["redis"].proxy

    with pytest.raises(HarnessError, match="redis has no Toxiproxy in this run"):
        asyncio.run(proxy_of_a_lane())
