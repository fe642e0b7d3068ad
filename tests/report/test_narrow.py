"""Ids on a narrow screen break between their words, and not in the middle of one."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.present.html import write_report
from harness.present.templates import breakable
from tests.report.support import plain_results


@pytest.mark.parametrize(
    ("name", "broken"),
    [
        ("idle_pool_cut", "idle_<wbr>pool_<wbr>cut"),
        ("cut[after-11]", "cut[<wbr>after-<wbr>11]"),
        ("tests.a::b", "tests.<wbr>a::<wbr>b"),
        ("cut(at='COMMIT')", "cut(at=<wbr>&#39;COMMIT&#39;)"),
        ("a_<b>\x00", "a_&lt;b&gt;\\x00"),
    ],
)
def test_a_name_breaks_between_its_words(name: str, broken: str) -> None:
    assert breakable(name) == broken


def test_the_reports_ids_do_in_the_grid_and_over_each_run(tmp_path: Path) -> None:
    text = write_report(plain_results(tmp_path)).read_text("utf-8")
    assert '<th scope="row">redis_<wbr>slow</th>' in text
    assert '<span class="name">redis_<wbr>slow <small>' in text
