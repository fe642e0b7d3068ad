"""The parts of the page: the story's words, checks, logs, exceptions, the grid, the sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import redis
from harness.checks import CheckResult, Verdict
from harness.engine.steps import Step
from harness.faults import Fault, wire
from harness.history.events import Named
from harness.present.html.drawings.grid import PROOFS, grid_of
from harness.present.html.runs.check_rows import checks_seen
from harness.present.html.runs.exceptions import exceptions_in
from harness.present.html.runs.logs import LogFile, timed_lines
from harness.present.html.runs.words import step_words
from harness.present.html.sentence import headline
from harness.present.html.writing import page_of, write_report
from harness.results import RunKey
from harness.results.folder import ResultsFolder
from harness.results.reading import read_summary, summary_from
from harness.vocabulary import Value
from tests.report.support import plain_results, result, write_results
from tests.results.made import ablated, made, proof_of, summary_of
from tests.vocabulary.support import KINDS, evaluated, of_kind, quick


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("deliver()", "Send one delivery; each is to be acknowledged."),
        (
            "deliver(60, expect=ACKNOWLEDGED | REFUSED)",
            "Send 60 different deliveries at once; each is to be acknowledged or refused.",
        ),
        ("deliver(copies=20)", "Send 20 copies of one delivery at once; each is to be acknowledged."),
        ("inject(link.cut(redis), link.down(postgres))",
         "Break: cut every open connection to redis, then close the connections to postgres and refuse new ones."),
        ("until(postgres.waiting('INSERT', 5))",
         "Wait until 5 sessions of the service wait in PostgreSQL, in its INSERT."),
        ("until(service.metric_is('lag', at_least=1, at_most=2))",
         "Wait until the metric lag is at least 1 and at most 2."),
        ("until(service.answers(50))", "Wait until 50 answers have come."),
        ("expect(service.metric('retries'), at_most=0)", "At the end, retries is to have grown by at most 0."),
        ("restart()", "Restart the service."),
        ("restart('SHOP_POOL=5')", "Restart the service with SHOP_POOL=5."),
        ("restart('SHOP_POOL=0', expect=ENDS, says='POOL', hides='hunter2')",
         "Restart the service with SHOP_POOL=0; it is to end by itself, and says 'POOL', and never 'hunter2'."),
        ("prepare(copies=2, empty=True)",
         "Run prepare 2 times at once on an empty database; it is to end with status 0."),
        ("prepare(fails=True, says='failed', hides='hunter2')",
         "Run prepare once on what is stored; it is to fail, and says 'failed', and never 'hunter2'."),
        (
            "limits(service.metric('tries_total'), at_most=2)",
            "While this lasts, tries_total is to have grown by at most 2.",
        ),
        ("copies(3)", "Have 3 processes of the service at once; requests take turns."),
        ("roll()", "Start a new process of the service, then have the old one end."),
        ("supervised(restarts=2)", "Start the service again whenever it has ended, 2 times at most."),
        ("wait(1.5, because='the breaker opens for a second')", "Wait 1.5 s: the breaker opens for a second."),
        ("inject(wire.cut(postgres.sent('INSERT', message='Bind'), after_bytes=40))",
         "Break: close the connection at the Bind of INSERT to postgres, once 40 bytes of it have passed."),
        ("inject(wire.fail(postgres.sent('COMMIT'), code='40001', always=True))",
         "Break: answer with the server's error 40001 at the COMMIT to postgres, every time."),
        ("inject(process.kill(at=postgres.sent('COMMIT')))",
         "Break: kill the service (SIGKILL), at the COMMIT to postgres."),
        ("until(wire.hold(postgres.sent('INSERT')).fired(5))",
         "Wait until this took effect 5 times: hold the INSERT to postgres until healed."),
        ("inject(server.execute(redis, 'CLIENT KILL TYPE normal'))",
         "Break: have another session on redis do: CLIENT KILL TYPE normal."),
        ("until(redis.sent('SET'), within_s=2)", "Wait until the relay sees the SET to redis (within 2 s)."),
        ("until(postgres.logged('FATAL'))", "Wait until the log of postgres has a line that matches 'FATAL'."),
        ("expect(redis.sends_per_request, at_most=2)", "At the end, redis.sends_per_request is at most 2."),
        ("inject(process.pause(at=redis.idle(2)))",
         "Break: freeze the service (SIGSTOP), when redis has at least 2 idle connections."),
    ],
)  # fmt: skip
def test_a_step_in_words(source: str, words: str) -> None:
    step = evaluated(source)
    assert isinstance(step, Step)
    assert step_words(step) == words


TOLD = [cls for cls in KINDS if issubclass(cls, Fault | Step)]


@pytest.mark.parametrize("cls", TOLD, ids=[cls.kind for cls in TOLD])
@quick
@given(st.data())
def test_every_fault_and_every_step_has_words(cls: type[Value], data: st.DataObject) -> None:
    """One that is new is told as Python source until it has words, and fails this test."""
    value = data.draw(of_kind(cls))
    words = step_words(value) if issubclass(cls, Step) else value.words()
    assert not words.startswith(f"{cls.kind}(")


def test_what_has_no_words_is_shown_as_it_is_named() -> None:
    assert Named("postgres/sent/COMMIT/cut_before").words() == "postgres/sent/COMMIT/cut_before"


def test_an_order_names_its_messages_and_their_connections() -> None:
    told = wire.order(redis.sent("GET", connection=1), redis.answered("SET")).words()
    assert told == (
        "let messages pass in this order only: the GET to redis on connection 1, then the answer to SET from redis"
    )


def test_checks_say_what_they_saw_and_fail_by_the_summarys_word(tmp_path: Path) -> None:
    """The history speaks of more that is wrong: no report runs a check."""
    view = page_of(write_results(tmp_path, summary_of(result(tmp_path, Verdict.FAILED)))).runs[0]
    shown = [(check.name, check.failed, check.saw) for check in view.checks]
    assert shown == [("outcome", True, "1 of 2: fine"), ("stored_once", False, "2 rows: fine")]
    assert all(check.wants for check in view.checks)


def test_a_check_that_had_nothing_to_judge_is_no_check_that_held(tmp_path: Path) -> None:
    idle = CheckResult("drains", False, saw="never told to end by SIGTERM")
    judged = CheckResult("stored_once", False, saw="2 rows", observations=2)
    results = write_results(tmp_path, summary_of(result(tmp_path, checks=(idle, judged))))
    assert [(check.name, check.look) for check in page_of(results).runs[0].checks] == [
        ("drains", "unavailable"), ("stored_once", "held"),
    ]  # fmt: skip
    text = write_report(results).read_text("utf-8")
    assert "<em>nothing to judge</em>: never told to end by SIGTERM" in text
    assert text.count("<em>nothing to judge</em>") == 1


def test_a_file_that_does_not_say_how_much_was_judged_calls_no_check_idle(tmp_path: Path) -> None:
    summary = json.loads(summary_of(result(tmp_path)).text(ResultsFolder(tmp_path).relative))
    for each in summary["runs"][0]["checks"]:
        del each["observations"]
    assert not any(check.idle for check in checks_seen(summary_from(summary, place="old").runs[0]))


def test_of_an_older_harness_the_failed_checks_names_are_shown(tmp_path: Path) -> None:
    summary = json.loads(summary_of(result(tmp_path, Verdict.FAILED)).text(ResultsFolder(tmp_path).relative))
    del summary["runs"][0]["checks"]
    run = summary_from(summary, place="old").runs[0]
    assert [(check.name, check.failed, check.saw) for check in checks_seen(run)] == [("outcome", True, "")]


def test_only_the_windows_lines_of_a_log_are_shown(tmp_path: Path) -> None:
    view = page_of(plain_results(tmp_path)).runs[0]
    (postgres,) = [log for log in view.logs if log.source == "postgres"]
    assert [line.partition("LOG:  ")[2] for _, line in postgres.lines] == ["during the fault"]
    assert postgres.lines[0][0] == pytest.approx(1.5), "seconds since the scenario began"


def test_the_most_telling_lines_are_kept_in_their_order(tmp_path: Path) -> None:
    lines = [f"2026-02-25T10:11:12.{n:03}Z {'error' if n % 10 == 5 else 'fine'} {n}\n" for n in range(100)]
    (tmp_path / "redis.log").write_text("".join(lines), "utf-8")
    file = LogFile(tmp_path / "redis.log", "redis")
    excerpt = file.within(0, 2e9, lines_max=3, characters=50)
    assert [line.split()[-1] for _, line in excerpt.lines] == ["5", "15", "25"]
    assert excerpt.left_out == 97


@pytest.mark.parametrize(
    ("line", "from_s", "length_s"),
    [
        ('{"at": "2026-02-25T10:11:12.500+00:00"}', 1772014272.5, 0),
        ("2026-02-25 10:11:12.500 UTC [1]", 1772014272.5, 0),
        ("2026-02-25T11:11:12.5+01:00", 1772014272.5, 0),
        ('{"time":"2026-02-25T10:11:12Z"}', 1772014272.0, 1),
    ],
)
def test_times_of_logs(line: str, from_s: float, length_s: float) -> None:
    first, second = timed_lines(f"nothing yet\n{line}\n  more of it\n")
    assert first.from_s == pytest.approx(from_s)
    assert first.to_s - first.from_s == pytest.approx(length_s)
    assert (second.from_s, second.text) == (first.from_s, "  more of it")


def test_a_time_that_is_none_is_no_time() -> None:
    assert list(timed_lines("2026-99-99 10:11:12.500 UTC\n")) == []


def test_exceptions_are_taken_as_they_were_logged() -> None:
    trace = "Traceback (most recent call last):\n  File x\nValueError: {text}"
    log = f'{trace}\nfine\n{{"error": "OSError: lost", "traceback": "{TRACE}"}}\n{{"error": "OSError: lost"}}\n'
    found = exceptions_in(log)
    assert [(raised.sentence, raised.count) for raised in found] == [("OSError: lost", 2), ("ValueError: {text}", 1)]
    assert found[1].traceback == trace
    assert exceptions_in('{"event": "no exception", "error": 5}\n{"error": "plain words"}\n{') == []


TRACE = r"Traceback (most recent call last):\n OSError: lost"


def test_a_traceback_that_never_ends_is_shown_as_far_as_it_goes() -> None:
    assert exceptions_in("Traceback (most recent call last):")[0].sentence == "Traceback (most recent call last)"
    assert exceptions_in("Traceback (most recent call last):\n  File x")[0].sentence == "File x"


def test_the_grid_has_profiles_first_and_then_proofs(tmp_path: Path) -> None:
    grid = grid_of(read_summary(plain_results(tmp_path)))
    assert [(column.kind, column.name) for column in grid.columns] == [("run", "hardened"), ("proof", PROOFS.name)]
    assert [(theme, [row.id for row in rows]) for theme, rows in grid.themes] == [
        ("redis", ["redis_down", "redis_slow"]),
        ("pool", ["idle_pool_cut"]),
    ]
    cells = {row.id: [[entry.verdict for entry in cell.entries] for cell in row.cells] for row in grid.rows}
    assert cells["idle_pool_cut"] == [["held"], ["proved"]]
    assert cells["redis_down"] == [["failed"], []]


def test_what_the_matrix_takes_away_stands_apart(tmp_path: Path) -> None:
    grid = grid_of(read_summary(write_results(tmp_path, summary_of(made(), ablated()))))
    assert [(column.kind, column.name) for column in grid.columns] == [
        ("run", "hardened"),
        ("off", "hardened without pool.pre_ping"),
    ]
    assert grid.edges == {1}


def test_the_worst_of_several_runs_stands_first(tmp_path: Path) -> None:
    grid = grid_of(read_summary(write_results(tmp_path, summary_of(made(), made(Verdict.FAILED), made()))))
    assert [entry.verdict for entry in grid.rows[0].cells[0].entries] == ["failed", "held", "held"]
    assert grid.rows[0].cells[0].entries[0].run == 1


@pytest.mark.parametrize(
    ("verdicts", "status", "sentence"),
    [
        ([Verdict.HELD, Verdict.HELD], 0, "All 2 scenarios held under hardened."),
        ([Verdict.HELD], 0, "The scenario held under hardened."),
        ([Verdict.FAILED, Verdict.HELD], 1, "1 of 2 scenarios failed: idle_pool_cut; 1 held under hardened."),
        ([Verdict.UNAVAILABLE], 1, "1 of 1 scenario unavailable here: idle_pool_cut."),
        ([], 5, "No scenario was run."),
    ],
)
def test_the_verdict_in_a_sentence(tmp_path: Path, verdicts: list[Verdict], status: int, sentence: str) -> None:
    summary = summary_of(*(made(verdict) for verdict in verdicts), exit_status=status)
    assert headline(read_summary(write_results(tmp_path, summary))).sentence == sentence


def test_the_sentence_names_what_was_off(tmp_path: Path) -> None:
    off = [made(key=RunKey(name, "hardened", ("retry", "dedup"))) for name in ("a", "b")]
    said = headline(read_summary(write_results(tmp_path, summary_of(*off))))
    assert said.sentence == "All 2 scenarios held under hardened without retry, dedup."


def test_the_sentence_tells_of_proofs_and_of_what_was_not_run(tmp_path: Path) -> None:
    second = ablated(Verdict.HELD)
    summary = summary_of(
        made(), second, proofs=[proof_of(made(), second)], selection=["idle_pool_cut", "other"], exit_status=2
    )
    said = headline(read_summary(write_results(tmp_path, summary)))
    assert said.word == "Interrupted"
    assert said.sentence == (
        "The scenario held under hardened; 1 of 1 proof not proved: idle_pool_cut: pool.pre_ping, unproved;"
        " 1 of 2 were not run."
    )
