"""What the verbs that run scenarios do at their end."""

from __future__ import annotations

import os
import sys

import pytest

from harness.cli.stage import told
from harness.present.terminal.streams import into_nothing


def test_a_summary_that_nobody_reads_costs_no_descriptor(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "w", encoding="utf-8") as stream:  # noqa: PTH123  # a descriptor
        monkeypatch.setattr(sys, "stdout", stream)
        before = os.listdir("/proc/self/fd")  # noqa: PTH208  # the names alone
        assert told("nobody reads this") is False
        assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208  # as above
        into_nothing(stream)
