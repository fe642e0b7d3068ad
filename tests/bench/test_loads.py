from __future__ import annotations

import pytest

from bench.transparency.loads import requests_a_second, transactions_a_second
from harness.errors import HarnessError

PGBENCH = """\
transaction type: <builtin: TPC-B (sort of)>
number of transactions actually processed: {done}/2000
number of failed transactions: {failed} (0.000%)
latency average = 2.1 ms
tps = 1904.250000 (without initial connection time)
"""
REDIS_BENCHMARK = """\
WARNING: something
"test","rps","avg_latency_ms"
"PING_INLINE","50000.00","0.1"
"MSET (10 keys)","20920.50","0.4"
"""


def test_pgbench_is_read() -> None:
    assert transactions_a_second(PGBENCH.format(done=2000, failed=0), wanted=2000) == 1904.25


@pytest.mark.parametrize(("done", "failed"), [(1999, 0), (2000, 1)])
def test_a_transaction_that_was_not_done_is_an_error(done: int, failed: int) -> None:
    with pytest.raises(HarnessError, match="did not do its 2000"):
        transactions_a_second(PGBENCH.format(done=done, failed=failed), wanted=2000)


def test_redis_benchmark_is_read() -> None:
    assert requests_a_second(REDIS_BENCHMARK) == {"PING_INLINE": 50000.0, "MSET (10 keys)": 20920.5}


def test_a_silent_redis_benchmark_is_an_error() -> None:
    with pytest.raises(HarnessError, match="reported nothing"):
        requests_a_second("Error: Connection reset by peer\n")
