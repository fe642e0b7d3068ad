"""What several processes make together is what one would have made."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from harness.present.html.parallel import made_in_shares


@pytest.mark.parametrize("count", [0, 1, 2, 7, 8])
@pytest.mark.parametrize("shares", [1, 2, 3])
def test_all_are_made_in_order(count: int, shares: int) -> None:
    assert made_in_shares(lambda item: item * item, range(count), shares) == [item * item for item in range(count)]


def test_each_share_but_the_first_is_made_by_a_fork() -> None:
    makers = made_in_shares(lambda _: os.getpid(), range(6), 3)
    assert makers[0] == makers[3] == os.getpid()
    assert len(set(makers)) == 3
    assert makers[:3] == makers[3:]


def test_a_share_whose_fork_dies_is_made_here() -> None:
    here = os.getpid()

    def make(item: int) -> int:
        if os.getpid() != here and item == 3:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    assert made_in_shares(make, range(6), 2) == [0, 1, 2, 3, 4, 5]


def test_an_error_in_a_fork_is_raised_here(capfd: pytest.CaptureFixture[str]) -> None:
    def make(item: int) -> int:
        return 1 // (1 - item)

    with pytest.raises(ZeroDivisionError):
        made_in_shares(make, range(6), 2)
    assert capfd.readouterr().err == ""


def test_no_fork_is_left(tmp_path: Path) -> None:
    def make(item: int) -> int:
        if item == 0:
            raise LookupError
        (tmp_path / str(os.getpid())).touch()
        return item

    with pytest.raises(LookupError):
        made_in_shares(make, range(6), 3)
    forks = [int(path.name) for path in tmp_path.iterdir()]
    assert len(forks) == 2
    for fork in forks:
        with pytest.raises(ChildProcessError):
            os.waitpid(fork, os.WNOHANG)
