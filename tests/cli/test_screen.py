"""What is written on a terminal and into a pipe."""

from __future__ import annotations

import io
import os
import pty
import re
import threading
from pathlib import Path

import pytest

from harness import postgres, redis
from harness.checks import CheckResult, Verdict, wants
from harness.engine.steps import Deliver, Inject
from harness.faults import link
from harness.history import Entry
from harness.history.events import EvidenceSeen, FaultActed, FaultHealed, PhaseBegan, StepBegan
from harness.present.terminal.lines import evidence_text, run_lines, table_lines
from harness.present.terminal.live import LiveScreen
from harness.present.terminal.running import Now
from harness.present.terminal.screen import PlainScreen, Screen, Verbosity, screen_for
from harness.present.terminal.views.story import details
from harness.results import Evidence, RunKey
from tests.results.made import ablated, made, proof_of, summary_of
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
            screen.saw(entry(StepBegan(1, Deliver(5))))
            screen.ended(result, "")
    return stream.getvalue()


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> _Terminal:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.delenv("NO_COLOR", raising=False)
    return _Terminal()


def test_quiet_says_only_what_did_not_hold() -> None:
    assert written(Verbosity.QUIET, Verdict.HELD) == ""
    assert "? inconclusive  idle_pool_cut" in written(Verbosity.QUIET, Verdict.INCONCLUSIVE)


def test_verbose_says_steps_and_figures() -> None:
    said = written(Verbosity.VERBOSE, Verdict.HELD)
    assert "step   deliver(5)" in said
    assert "slowest_ms 12.5" in said
    assert "deliver(5)" not in written(Verbosity.NORMAL, Verdict.HELD)


def test_verbose_says_which_check_had_nothing_to_judge() -> None:
    checks = (CheckResult("drains", False, saw="never told"), CheckResult("outcome", False, saw="5", observations=5))
    lines = run_lines(made(checks=checks), "", profile="hardened", verbose=True, steps=())
    told = ["".join(text for text, _ in line) for line in lines]
    assert [line.split() for line in told if "nothing" in line] == [
        ["idle", "drains", "had", "nothing", "to", "judge:", "never", "told"]
    ]


def test_of_much_evidence_each_faults_first_is_told() -> None:
    many = tuple(Evidence("wire_fail", "relay", n, f"wire.fail(redis): connection {n}") for n in range(30))
    other = Evidence("connections_cut", "kernel", 40, "link.cut(redis): 3 connections")
    result = made(evidence=(*many, other))
    short = "wire_fail: wire.fail(redis): connection 0 (and 29 more); connections_cut: link.cut(redis): 3 connections"
    assert evidence_text(result) == short
    assert all(f"connection {n}" in evidence_text(result, complete=True) for n in range(30))


def test_of_a_structured_log_line_the_error_comes_first() -> None:
    line = '{"at": "2026-02-25T10:11:12Z", "level": "warning", "attempt": 1, "error": "asyncpg.FooError: lost"}'
    told = dict(details(made(Verdict.FAILED, service_log=line)))
    assert told["log"] == "error: asyncpg.FooError: lost; level: warning"
    odd = ["[1]", '{"error":', '{"n": 1, "error": 2}']
    assert [dict(details(made(Verdict.FAILED, service_log=text)))["log"] for text in odd] == odd


def test_a_failure_is_told_in_ten_lines_at_most() -> None:
    checks = tuple(CheckResult(name, True, f"reason of {name}") for name in ("outcome", "in_time", "alive", "figure"))
    evidence = tuple(Evidence("cut", "kernel", n, f"link {n}") for n in range(9))
    stream = io.StringIO()
    with PlainScreen(stream, Verbosity.NORMAL) as screen:
        result = made(Verdict.FAILED, checks=checks, evidence=evidence, service_log="one\nError: lost\n")
        screen.began(result.key, "scenario")
        screen.saw(entry(StepBegan(1, Inject((link.cut(postgres),)))))
        screen.saw(entry(StepBegan(2, Deliver(5))))
        screen.ended(result, "")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 10
    assert lines[2] == "    done   inject(link.cut(postgres)), deliver(5)"
    assert lines[3] == f"    expect {wants('outcome')}"
    assert "    also   outcome: reason of outcome; and 3 more checks" in lines
    assert "    log    Error: lost" in lines
    assert "    done   inject(link.cut(postgres)), deliver(5)" in lines
    assert "    seen   cut (kernel): link 1; and 7 more pieces" in lines
    assert lines[-1] == result.repro


def test_the_fault_in_force_is_told_until_it_is_healed() -> None:
    now = Now("cut")
    for event in (FaultActed(1, link.cut(redis)), FaultActed(2, link.down(postgres)), FaultHealed(2)):
        now.saw(Entry(0, 0, "fault", event))
    assert str(now).endswith("! link.cut(redis)")
    now.saw(Entry(0, 0, "fault", FaultHealed(1)))
    assert "!" not in str(now)


def test_what_runs_side_by_side_is_told_apart() -> None:
    stream = io.StringIO()
    with PlainScreen(stream, Verbosity.VERBOSE) as screen:
        here, there = RunKey("here", "hardened"), RunKey("there", "hardened")
        screen.began(here, "scenario")
        screen.saw(entry(StepBegan(1, Deliver(2))))

        def elsewhere() -> None:
            screen.began(there, "scenario")
            screen.saw(entry(StepBegan(1, Deliver(3))))
            screen.ended(made(key=there), "")

        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
        screen.ended(made(key=here), "")
    told = [line.split()[1] for line in stream.getvalue().splitlines() if line.startswith("    step")]
    assert told == ["deliver(3)", "deliver(2)"]


def test_a_scenario_is_told_by_its_place_however_often_it_runs(terminal: _Terminal) -> None:
    screen = screen_for(terminal, Verbosity.NORMAL)
    screen.total = 2
    with screen:
        for name in ("first", "second", "second"):
            screen.began(RunKey(name, ""), "scenario")
            screen.saw(entry(EvidenceSeen(1, "cut", "kernel", name)))
    said = CONTROL.sub("", terminal.getvalue())
    assert "> 1/2 first" in said
    assert "> 2/2 second" in said
    assert "3/2" not in said


def test_several_themes_end_in_a_table() -> None:
    slow = made(Verdict.FAILED, theme="redis", figures={"slowest_ms": 2500.0})
    lines = ["".join(text for text, _ in line) for line in table_lines(summary_of(made(), made(), slow))]
    assert [line.split() for line in lines] == [
        ["theme", "held", "failed", "slowest", "took"],
        ["pool", "2", ".", "0.01", "s", "3.0", "s"],
        ["redis", ".", "1", "2.50", "s", "1.5", "s"],
    ]
    assert list(table_lines(summary_of(made(), made()))) == []


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
        assert os.path.samestat(os.fstat(stream.fileno()), Path(os.devnull).stat()), "nothing more goes into the pipe"


def test_into_a_pipe_a_long_run_is_heard_of() -> None:
    reader, writer = os.pipe()
    with (
        os.fdopen(reader, encoding="utf-8") as lines,
        os.fdopen(writer, "w", encoding="utf-8") as stream,
        PlainScreen(stream, Verbosity.NORMAL, still_running_s=0.02) as screen,
    ):
        screen.began(RunKey("slow", "hardened"), "scenario")
        screen.saw(entry(PhaseBegan("recovery")))
        screen.saw(entry(EvidenceSeen(1, "cut", "kernel", "3 links")))
        said = lines.readline()
        while "cut: 3 links" not in said:
            said = lines.readline()
    assert re.fullmatch(r"\.\.\. slow.* s, recovery, cut: 3 links\n", said)


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
    failed = CONTROL.sub("", said).partition("x failed")[2]
    why = [line.split("\r")[-1].rstrip() for line in failed.splitlines() if "reason," in line]
    assert len(why) == 3, "a few lines"
    assert why[0].startswith("    why    outcome: a long")
    assert all(len(line) <= 40 for line in why)
    assert why[1].startswith("           ")
    assert why[-1].endswith("…")


def test_verbose_tells_a_terminal_all_of_it(terminal: _Terminal) -> None:
    tell(screen_for(terminal, Verbosity.VERBOSE))
    told = " ".join(CONTROL.sub("", terminal.getvalue()).partition("x failed")[2].split())
    assert ("a long reason, " * 9).strip() in told


def test_a_table_is_cut_where_the_terminal_is_narrow(terminal: _Terminal) -> None:
    with screen_for(terminal, Verbosity.NORMAL) as screen:
        screen.write_all(table_lines(summary_of(made(), made(Verdict.FAILED, theme="redis"))))
    rows = [line.split("\r")[-1] for line in CONTROL.sub("", terminal.getvalue()).splitlines() if line.strip()]
    assert [row.split()[0] for row in rows] == ["theme", "pool", "redis"]
    assert all(len(row) <= 40 for row in rows)


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
        os.execvpe(harness_command()[0], harness_command("gate", "cut"), environment({"TERM": "xterm"}))  # noqa: S606  # a test's own words
    said = _read_all(descriptor)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0, said
    plain = CONTROL.sub("", said)
    assert re.search(r"> bringing up PostgreSQL, Redis and Toxiproxy.* \d+ s", plain)
    assert re.search(r"> cut.* 0 s", plain)
    assert re.search(r"> cut.*! link\.cut\(postgres\)", plain), "the fault, as it fires"
    assert "\x1b[32m+ held" in said
    assert "1 held, 0 failed" in plain


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
