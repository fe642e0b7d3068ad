"""A history is a file of JSON lines that is read back as it was recorded, or not at all."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import postgres
from harness.engine.steps import Inject
from harness.errors import UsageError
from harness.faults import wire
from harness.history import Entry, History, Recorder, read_history, recording
from harness.history.events import (
    Event,
    FaultActed,
    Healthy,
    PhaseBegan,
    Recovered,
    RowsRead,
    ServiceLog,
    StepBegan,
    StoredRow,
)
from harness.vocabulary import Value
from tests.vocabulary.support import of_kind, quick

EVENTS = sorted(Event.kinds().values(), key=lambda cls: cls.kind)


@pytest.mark.parametrize("cls", EVENTS, ids=[cls.kind for cls in EVENTS])
@quick
@given(st.data())
def test_every_event_is_read_back(
    cls: type[Value], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    event = data.draw(of_kind(cls))
    assert isinstance(event, Event)
    path = tmp_path_factory.getbasetemp() / "one.jsonl"
    with recording(path) as recorder:
        recorder.record("lane", event)
    assert read_history(path) == recorder.history
    assert path.read_text("utf-8").count("\n") == 1


@pytest.fixture
def written(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    with recording(path) as recorder:
        recorder.record("runner", PhaseBegan("start"))
        recorder.record("service", ServiceLog("one\ntwo \u2028 \x85 \udcff three"))
        recorder.record("runner", RowsRead((StoredRow("a", "b", 2), StoredRow("c", "d"))))
    return path


def test_a_line_is_what_outside_scripts_rely_on(written: Path) -> None:
    first = json.loads(written.read_text("utf-8").splitlines()[0])
    assert first == {"v": 3, "seq": 0, "t_ns": first["t_ns"], "lane": "runner", "kind": "phase.began",
                     "data": {"phase": "start"}}  # fmt: skip
    assert isinstance(first["t_ns"], int)


def test_each_line_is_there_before_the_next(tmp_path: Path) -> None:
    """Whatever kills the run, what was recorded can be read: nothing waits in a buffer."""
    path = tmp_path / "a.jsonl"
    with recording(path) as recorder:
        for count in range(1, 4):
            recorder.record("runner", PhaseBegan("start"))
            assert len(read_history(path).entries) == count


def test_sequence_and_time_never_go_back() -> None:
    recorder = Recorder()
    for _ in range(200):
        recorder.record("runner", PhaseBegan("start"))
    entries = recorder.history.entries
    assert [entry.seq for entry in entries] == list(range(200))
    assert all(one.t_ns <= next_.t_ns for one, next_ in itertools.pairwise(entries))


def test_whoever_watches_sees_each_entry_at_once() -> None:
    seen: list[Entry] = []
    recorder = Recorder(watch=seen.append)
    entry = recorder.record("runner", PhaseBegan("start"))
    assert seen == [entry]


def test_events_of_one_class_from_a_mark_on() -> None:
    recorder = Recorder()
    recorder.record("runner", Recovered(1.0))
    recorder.record("runner", Healthy(5.0, 5))
    mark = recorder.mark()
    recorder.record("runner", Recovered(2.0))
    history = recorder.history
    assert [event.took_ms for event in history.of(Recovered)] == [1.0, 2.0]
    assert [event.took_ms for event in history.of(Recovered, since=mark)] == [2.0]
    assert list(history.of(Healthy, since=mark)) == []
    assert [entry.seq for entry in history.entries_of(Recovered)] == [0, 2]
    assert history.last(Recovered) == Recovered(2.0)
    assert history.last(RowsRead) is None
    assert [type(event) for event in history.of(Event)] == [Recovered, Healthy, Recovered]
    assert list(history.placed(Healthy)) == [(history.entries[1], Healthy(5.0, 5))]


def test_a_history_does_not_change_while_more_is_recorded() -> None:
    recorder = Recorder()
    before = recorder.history
    recorder.record("runner", PhaseBegan("start"))
    assert before == History(())
    one = recorder.history
    recorder.record("runner", PhaseBegan("steady"))
    assert [entry.event for entry in one.entries] == [PhaseBegan("start")]
    assert (len(one.entries), one.entries[-1].seq, list(reversed(one.entries))) == (1, 0, list(one.entries))
    assert list(one.entries[1:]) == []
    assert [entry.seq for entry in recorder.history.entries[1:]] == [1]
    with pytest.raises(IndexError):
        one.entries[1]


def test_a_history_is_asked_for_what_it_had_when_it_was_taken() -> None:
    recorder = Recorder()
    recorder.record("runner", Recovered(1.0))
    recorder.record("runner", Healthy(5.0, 5))
    recorder.record("runner", Recovered(2.0))
    history = recorder.history
    recorder.record("runner", Recovered(3.0))
    recorder.record("runner", PhaseBegan("steady"))

    assert [event.took_ms for event in history.of(Recovered)] == [1.0, 2.0]
    assert [event.took_ms for event in history.of(Recovered, since=1)] == [2.0]
    assert list(history.of(Recovered, since=3)) == []
    assert [entry.seq for entry in history.entries_of(Event)] == [0, 1, 2]
    assert history.last(Recovered) == Recovered(2.0)
    assert history.last(PhaseBegan) is None
    assert [event.took_ms for event in recorder.history.of(Recovered, since=3)] == [3.0]


def test_some_of_a_history_is_asked_like_the_whole() -> None:
    recorder = Recorder()
    for took_ms in (1.0, 2.0, 3.0):
        recorder.record("runner", Recovered(took_ms))
    some = History([entry for entry in recorder.history.entries if entry.seq != 1])

    assert [event.took_ms for event in some.of(Recovered)] == [1.0, 3.0]
    assert [event.took_ms for event in some.of(Recovered, since=1)] == [3.0]
    assert some.last(Recovered) == Recovered(3.0)


def test_a_last_line_that_a_killed_run_left_unfinished_is_told(written: Path) -> None:
    text = written.read_text("utf-8")
    written.write_text(text[:-20], "utf-8")
    with pytest.raises(UsageError, match=r"a\.jsonl: line 3: not a line of a history") as caught:
        read_history(written)
    assert caught.value.hint == "was the run killed? delete this line"


HEAD = '{"v": 3, "seq": 1, "t_ns": 5, "lane": "a", "kind": '


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("", "line 2: not a line of a history: JSONDecodeError"),
        ("5", "line 2: not a line of a history: TypeError"),
        ("[]", "line 2: not a line of a history: TypeError"),
        ("{}", "line 2: not a line of a history: KeyError: 'v'"),
        ("[" * 100_000, "line 2: not a line of a history: RecursionError"),
        ("9" * 5_000, "line 2: not a line of a history: ValueError"),
        ('{"v": 4}', "line 2: v = 4: not a history of this version; valid: 3"),
        ('{"v": 3, "seq": 0}', "line 2: seq = 0: a line is missing, or there twice"),
        ('{"v": 3, "seq": 1, "t_ns": true}', "line 2: t_ns = True: expected int"),
        ('{"v": 3, "seq": 1, "t_ns": 5, "lane": 5}', "line 2: lane = 5: expected str"),
        (HEAD + '"phase.began"}', "KeyError: 'data'"),
        (HEAD + '"phase.begun", "data": {}}', "closest valid: 'phase.began'"),
        (HEAD + '"phase.began", "data": {}}', "phase = None: phase.began needs"),
        (HEAD + '"phase.began", "data": []}', "not a line of a history"),
        (HEAD + '"phase.began", "data": {"phase": 1}}', "line 2.phase: value = 1"),
        (HEAD + '"deliver", "data": {}}', "kind = 'deliver': not a kind of event"),
    ],
    ids=[
        "empty", "a number", "a list", "no version", "nested too deeply", "a number too long", "another version",
        "a number that was there", "a time that is none", "a lane that is no text", "no data", "a kind misspelt",
        "a field missing", "data in a list", "a value of another type", "a kind of no event",
    ],
)  # fmt: skip
def test_a_line_that_is_none(written: Path, line: str, told: str) -> None:
    lines = written.read_text("utf-8").splitlines()
    lines[1] = line
    written.write_text("\n".join(lines), "utf-8")
    with pytest.raises(UsageError) as caught:
        read_history(written)
    assert told in caught.value.message
    assert "line 2" in caught.value.message
    assert caught.value.hint


def test_a_history_of_the_version_before_is_refused_by_its_version(tmp_path: Path) -> None:
    """It had faults and steps as Python source."""
    line = {"v": 1, "seq": 0, "t_ns": 5, "lane": "fault", "kind": "fault.acted"}
    (tmp_path / "old.jsonl").write_text(
        json.dumps({**line, "data": {"fault": 1, "source": "link.cut(redis)"}}) + "\n", "utf-8"
    )
    with pytest.raises(UsageError, match=r"line 1: v = 1: not a history of this version; valid: 3") as caught:
        read_history(tmp_path / "old.jsonl")
    assert caught.value.hint == "read it with the harness that wrote it"


def test_what_was_done_is_recorded_as_values(tmp_path: Path) -> None:
    cut = wire.cut(postgres.sent("COMMIT"), after_bytes=3)
    with recording(tmp_path / "a.jsonl") as recorder:
        recorder.record("runner", StepBegan(1, Inject((cut,))))
        recorder.record("fault", FaultActed(1, cut))
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text("utf-8").splitlines()]
    sent = {"kind": "link.sent", "link": "postgres", "text": "COMMIT"}
    assert lines[0]["data"]["step"]["faults"] == [{"kind": "wire.cut", "at": sent, "after_bytes": 3}]
    assert lines[1]["data"] == {"number": 1, "fault": {"kind": "wire.cut", "at": sent, "after_bytes": 3}}
    assert [acted.fault for acted in read_history(tmp_path / "a.jsonl").of(FaultActed)] == [cut]


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "none", tmp_path, binary):
        with pytest.raises(UsageError, match="cannot be read") as caught:
            read_history(path)
        assert str(path) in caught.value.message
        assert caught.value.hint == "name a history file"


def test_a_file_that_could_not_be_written_whole_is_not_left_and_the_run_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.symlink_to("/dev/full")
    with recording(path) as recorder:
        recorder.record("runner", PhaseBegan("start"))
        recorder.record("runner", PhaseBegan("steady"))
    assert "No space left on device" in recorder.unwritten
    assert [event.phase for event in recorder.history.of(PhaseBegan)] == ["start", "steady"]
    assert not path.is_symlink()
    assert Path("/dev/full").exists()


def test_a_folder_that_cannot_be_made_is_said_too(tmp_path: Path) -> None:
    (tmp_path / "history").write_text("a file", "utf-8")
    with recording(tmp_path / "history" / "a.jsonl") as recorder:
        recorder.record("runner", PhaseBegan("start"))
    assert recorder.unwritten
    assert len(recorder.history.entries) == 1


def test_what_is_found_in_a_history_is_looked_for_once() -> None:
    recorder = Recorder()
    recorder.record("runner", PhaseBegan("start"))
    looks: list[int] = []

    def count(history: History) -> int:
        looks.append(len(history.entries))
        return len(history.entries)

    first = recorder.history
    assert [first.once(count), first.once(count)] == [1, 1]
    recorder.record("runner", PhaseBegan("steady"))
    assert recorder.history.once(count) == 2, "a longer history is another"
    assert looks == [1, 2]


def test_whoever_follows_sees_each_entry_from_then_on() -> None:
    first: list[Entry] = []
    second: list[Entry] = []
    recorder = Recorder(watch=first.append)
    recorder.record("runner", PhaseBegan("start"))
    recorder.follow(second.append)
    recorder.record("runner", PhaseBegan("scenario"))
    assert tuple(first) == recorder.history.entries
    assert second == first[1:]
