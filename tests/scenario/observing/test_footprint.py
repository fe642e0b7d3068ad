"""How a service's memory has grown is told from its samples: a leak from warming up, and from what comes and goes."""

from __future__ import annotations

import os

import pytest

from harness.engine.observing.service.footprint import MemorySample, bytes_per_request, memory_kib, surely_kept

EVERY = range(50, 1_250, 50)


def samples(*kib: float, pid: int = 1) -> list[MemorySample]:
    return [MemorySample(pid, requests, round(each)) for requests, each in zip(EVERY, kib, strict=True)]


def test_what_is_kept_of_each_request_is_seen() -> None:
    assert bytes_per_request(samples(*(50_000 + requests / 2 for requests in EVERY))) == pytest.approx(512, rel=0.1)


def test_a_process_that_warms_up_does_not_leak() -> None:
    assert bytes_per_request(samples(*(min(50_000 + 40 * requests, 60_000) for requests in EVERY))) == 0


def test_what_comes_and_goes_is_no_leak() -> None:
    assert bytes_per_request(samples(*(50_000 + 9_000 * (requests % 150 > 0) for requests in EVERY))) == 0


def test_a_leak_is_seen_below_what_comes_and_goes() -> None:
    kib = [50_000 + requests + 9_000 * (requests % 150 > 0) for requests in EVERY]
    assert bytes_per_request(samples(*kib)) == pytest.approx(1_024, rel=0.3)


def test_memory_that_is_given_back_is_no_leak() -> None:
    assert (bytes_per_request(samples(*(90_000 - 10 * requests for requests in EVERY))) or 0) < 0


def test_of_few_requests_nothing_is_told() -> None:
    assert bytes_per_request(samples(*(50_000 + requests for requests in EVERY))[:8]) is None
    assert bytes_per_request([]) is None


def test_a_process_is_judged_by_its_own_requests() -> None:
    first = samples(*(50_000 + 10 * requests for requests in EVERY))
    second = [MemorySample(2, 5_000, 10_000)]
    assert bytes_per_request([*first, *second]) is None


def test_the_kernel_tells_of_this_process() -> None:
    before = memory_kib([os.getpid()])
    kept = b"x" * (32 << 20)
    assert memory_kib([os.getpid()]) - before > len(kept) / 1024 / 2
    assert memory_kib([0]) == 0


def test_of_fewer_requests_much_that_is_kept_is_told_and_no_warming_up() -> None:
    few = EVERY[:9]
    kept = [MemorySample(1, requests, 50_000 + 100 * requests) for requests in few]
    warm = [MemorySample(1, requests, min(50_000 + 40 * requests, 62_000)) for requests in few]
    assert bytes_per_request(kept) is None
    assert (surely_kept(kept) or 0) > 30_000
    assert surely_kept(warm) == 0
    assert surely_kept(kept[:6]) is None
