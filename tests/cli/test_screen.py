"""What is written on a terminal and into a pipe."""

from __future__ import annotations

import io
import os
import pty
import re
from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.cli.screen import LiveScreen, PlainScreen, Screen, Verbosity, screen_for
from harness.history import Entry
from harness.history.events import EvidenceSeen, PhaseBegan, StepBegan
from harness.results import Evidence, RunKey
from tests.results.made import ablated, made, proof_of
from tests.tiny import environment, harness_command

CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def entry(event: PhaseBegan | StepBegan | EvidenceSeen) -> Entry:
    return Entry(0, 0, "runner", event)


def written(verbosity: Verbosity, *verdicts: Verdict) -> str:
    stream = io.StringIO()
    with PlainScreen(stream, verbosity) as screen:
        screen.profile = "hardened"
        for verdict in verdicts:
            result = made(verdict)
            screen.began(result.key, "scenario")
            screen.saw(entry(StepBegan(1, "deliver(5)")))
            screen.ended(result, "")
    return stream.getvalue()


def test_quiet_says_only_what_did_not_hold() -> None:
    assert written(Verbosity.QUIET, Verdict.HELD) == ""
    assert "? inconclusive  idle_pool_cut" in written(Verbosity.QUIET, Verdict.INCONCLUSIVE)


def test_verbose_says_steps_and_figures() -> None:
    said = written(Verbosity.VERBOSE, Verdict.HELD)
    assert "step   deliver(5)" in said
    assert "slowest_ms 12.5" in said
    assert "deliver(5)" not in written(Verbosity.NORMAL, Verdict.HELD)


def test_what_differs_from_the_sessions_profile_is_named() -> None:
    stream = io.StringIO()
    with PlainScreen(stream, Verbosity.NORMAL) as screen:
        screen.profile = "hardened"
        screen.ended(made(key=RunKey("a", "incident", ("b", "c"))), "")
    assert "a under incident without b, c" in stream.getvalue()


def test_ablated_runs_are_told_by_their_proof() -> None:
    stream = io.StringIO()
    second = ablated(Verdict.HELD)
    with PlainScreen(stream, Verbosity.NORMAL) as screen:
        screen.ended(second, "")
        assert stream.getvalue() == ""
        screen.proved(proof_of(made(), second))
    assert "x unproved      idle_pool_cut: pool.pre_ping" in stream.getvalue()
    assert second.repro in stream.getvalue().splitlines()


@pytest.mark.parametrize("verdict", [Verdict.HELD, Verdict.FAILED])
def test_a_services_words_cannot_drive_the_terminal(verdict: Verdict) -> None:
    nasty = "\x1b[2J\rgone\x07\ud800"
    stream = io.StringIO()
    with PlainScreen(stream, Verbosity.NORMAL) as screen:
        screen.ended(made(verdict, reason=nasty, evidence=(Evidence("k", "s", 1, nasty),), service_log=nasty), "")
    assert r"\x1b[2J\x0dgone\x07\ud800" in stream.getvalue()
    assert not [letter for letter in stream.getvalue() if not letter.isprintable() and letter != "\n"]


def test_a_pipe_that_nobody_reads_does_not_end_the_run() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w", encoding="utf-8") as stream, PlainScreen(stream, Verbosity.NORMAL) as screen:
        screen.write([("one", "")])
        screen.write([("two", "")])


def test_into_a_pipe_a_long_run_is_heard_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("harness.cli.screen.STILL_RUNNING_S", 0.02)
    reader, writer = os.pipe()
    with (
        os.fdopen(reader, encoding="utf-8") as lines,
        os.fdopen(writer, "w", encoding="utf-8") as stream,
        PlainScreen(stream, Verbosity.NORMAL) as screen,
    ):
        screen.began(RunKey("slow", "hardened"), "scenario")
        screen.saw(entry(PhaseBegan("recovery")))
        screen.saw(entry(EvidenceSeen(1, "cut", "kernel", "3 links")))
        said = lines.readline()
        while "cut: 3 links" not in said:
            said = lines.readline()
    assert re.fullmatch(r"\.\.\. slow.* s, recovery, cut: 3 links\n", said)


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return _Terminal()


def tell(screen: Screen) -> None:
    with screen:
        screen.profile = "hardened"
        screen.began(RunKey("idle_pool_cut", "hardened"), "scenario")
        screen.ended(made(), "")
        screen.ended(made(Verdict.FAILED, reason="outcome: " + "a long reason, " * 9), "")


def test_a_terminal_gets_colours_and_lines_that_fit(terminal: _Terminal) -> None:
    screen = screen_for(terminal, Verbosity.NORMAL)
    assert isinstance(screen, LiveScreen)
    tell(screen)
    said = terminal.getvalue()
    assert "\x1b[32m+ held" in said
    held = next(line for line in CONTROL.sub("", said).splitlines() if "+ held" in line)
    assert len(held.split("\r")[-1]) <= 40
    assert ("a long reason, " * 9).strip() in CONTROL.sub("", said), "what did not hold is told in full"


def test_no_color_means_no_colour(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    tell(screen_for(terminal, Verbosity.NORMAL))
    assert "+ held" in terminal.getvalue()
    assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", terminal.getvalue())


def test_a_dumb_terminal_and_a_pipe_get_plain_lines(terminal: _Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(screen_for(io.StringIO(), Verbosity.NORMAL), PlainScreen)
    monkeypatch.setenv("TERM", "dumb")
    assert isinstance(screen_for(terminal, Verbosity.NORMAL), PlainScreen)


def test_a_gate_on_a_terminal_says_what_runs(suite: Path) -> None:
    pid, descriptor = pty.fork()
    if pid == 0:
        os.chdir(suite)
        os.execvpe(harness_command()[0], harness_command("gate", "cut"), environment({"TERM": "xterm"}))  # noqa: S606
    said = _read_all(descriptor)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, said
    assert re.search(r"> bringing up PostgreSQL, Redis and Toxiproxy.* \d+ s", said)
    assert re.search(r"> cut.* 0 s", said)
    assert "\x1b[32m+ held" in said
    assert "1 held, 0 failed" in CONTROL.sub("", said)


def _read_all(descriptor: int) -> str:
    parts: list[bytes] = []
    with os.fdopen(descriptor, "rb", buffering=0) as terminal:
        while True:
            try:
                part = terminal.read(65536)
            except OSError:  # the way in which Linux says that the other end is closed
                break
            if not part:
                break
            parts.append(part)
    return b"".join(parts).decode("utf-8")
