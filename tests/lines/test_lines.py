"""A line that a killed process ran is recorded, and one that no process ran is named."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from tests.lines.__main__ import copy_recorded, lines_in, never_ran

SERVICE = '''"""A service that ends like one whose run is over."""

import os
import signal
import sys
from threading import Thread


def serve(child: bool) -> None:
    if child:
        child_only()
    else:
        parent_only()
    os.kill(os.getpid(), signal.SIGKILL)


def child_only() -> None:
    print("the child")


def parent_only() -> None:
    Thread(target=in_a_thread).start()
    os.waitpid(os.posix_spawn(sys.executable, [sys.executable, "-m", "webhook.serving", "child"], os.environ), 0)


def in_a_thread() -> None:
    print("the thread")


def nobody() -> None:
    print("nobody")


if __name__ == "__main__":
    serve(len(sys.argv) > 1)
'''


def test_what_no_process_ran_is_named_though_each_was_killed(tmp_path: Path) -> None:
    repository, suite, lines = tmp_path / "repository", tmp_path / "suite", tmp_path / "lines"
    (repository / "webhook").mkdir(parents=True)
    (repository / "webhook" / "__init__.py").write_text('"""A package."""\n', "utf-8")
    (repository / "webhook" / "serving.py").write_text(SERVICE, "utf-8")
    lines.mkdir()
    copy_recorded(suite, lines, repository)
    ended = subprocess.run([sys.executable, "-m", "webhook.serving"], cwd=suite, check=False, capture_output=True)
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    assert len(list(lines.iterdir())) == 2
    assert never_ran(suite / "webhook", lines_in(lines)) == ['webhook/serving.py:31: print("nobody")']


def test_a_line_that_was_cut_off_by_the_kill_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "1.lines").write_text("/a.py\t1\n/a.py\t12\n/a.p", "utf-8")
    (tmp_path / "2.lines").write_text("/a.py\t3\n", "utf-8")
    assert lines_in(tmp_path) == {"/a.py": {1, 12, 3}}
