"""Steps, file, steps, Python, steps: the same all the way; and files that are none."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import importlib
import inspect
import itertools
import json
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import scenarios
from harness import Lab, link, no_fault, redis, service
from harness.engine.steps import Deliver, Expect, Inject, Restart, Step, Traffic
from harness.errors import UsageError
from harness.scenario.schedule import Begin, Do, End, Move, read_schedule
from harness.vocabulary import Json, Value
from tests.scenario.support import Bench, Block, moves_of, play, play_source, schedule
from tests.vocabulary.support import STEPS, of_kind, quick


@st.composite
def steps_of(draw: st.DrawFn, *kinds: type[Value]) -> Value:
    """Any step of these kinds. A function, since the whole of such a strategy written out is too long to print."""
    return draw(st.one_of([of_kind(cls) for cls in kinds]))


AWAITED = steps_of(*(cls for cls in STEPS if cls.awaited))
ENTERED = steps_of(*(cls for cls in STEPS if cls.entered))
PROGRAMS = st.recursive(
    st.lists(AWAITED, max_size=3),
    lambda inner: st.lists(AWAITED | st.builds(Block, ENTERED, inner.map(tuple)), max_size=3),
    max_leaves=6,
)


@quick
@given(PROGRAMS)
def test_any_steps_survive_file_and_python(
    tmp_path_factory: pytest.TempPathFactory, program: list[Block | Step]
) -> None:
    written = schedule(moves_of(program))
    path = tmp_path_factory.getbasetemp() / "schedule.json"
    written.write(path)
    again = read_schedule(path)
    assert again == written
    assert play_source(again.to_python()).moves == written.moves
    replayed = Bench()
    asyncio.run(replayed.actor.replay(again.moves))
    assert replayed.moves == written.moves
    assert not replayed.actor.partial


def _suite() -> Iterator[Any]:
    """Every scenario of the suite, with each set of its parameters."""
    for module in pkgutil.iter_modules(scenarios.__path__):
        found = importlib.import_module(f"scenarios.{module.name}")
        for name, function in inspect.getmembers(found, inspect.iscoroutinefunction):
            if name.startswith("test_"):
                for n, arguments in enumerate(_arguments(function)):
                    yield pytest.param(functools.partial(function, **arguments), id=f"{name}-{n}")


def _arguments(function: Any) -> Iterator[dict[str, object]]:
    marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
    for chosen in itertools.product(*(mark.args[1] for mark in marks)):
        arguments: dict[str, object] = {}
        for mark, values in zip(marks, chosen, strict=True):
            names = [mark.args[0]] if isinstance(mark.args[0], str) else mark.args[0]
            given_values = getattr(values, "values", None)
            if not isinstance(given_values, tuple):
                given_values = (values,) if len(names) == 1 else values
            arguments |= dict(zip(names, given_values, strict=True))
        yield arguments


SUITE = list(_suite())


LOOK_AT_ANSWERS = {"test_limits_as_they_are_set"}
"""What their Python does next is not in their schedules. These do nothing next but assert."""


def _name(scenario: functools.partial[Any]) -> str:
    return str(scenario.func.__name__)


def test_the_suite_was_found() -> None:
    assert len(SUITE) >= 30


@pytest.mark.parametrize("scenario", SUITE)
def test_every_scenario_survives_file_and_python(scenario: Any, tmp_path: Path) -> None:
    async def acted(lab: Lab) -> None:
        with contextlib.suppress(AssertionError):  # nothing answers here: what it asserts of answers does not hold
            await scenario(lab)

    first = play(acted)
    assert first.moves
    assert first.actor.partial == (_name(scenario) in LOOK_AT_ANSWERS)
    written = schedule(first.moves)
    written.write(tmp_path / "a.json")
    again = read_schedule(tmp_path / "a.json")
    assert again == written
    assert play_source(again.to_python()).moves == first.moves


def test_python_as_an_author_would_write_it() -> None:
    program: list[Block | Step] = [
        Inject((no_fault,)),
        Block(Traffic(clients=2), (Restart(), Block(Inject((link.cut(redis),)), ()))),
        Deliver(5),
    ]
    assert schedule(moves_of(program)).to_python() == (
        "await lab.inject(no_fault)\n"
        "async with lab.traffic(clients=2):\n"
        "    await lab.restart()\n"
        "    async with lab.inject(link.cut(redis)):\n"
        "        pass\n"
        "await lab.deliver(5)\n"
    )


def test_a_file_has_a_line_for_each_move(tmp_path: Path) -> None:
    schedule([Do(Restart()), Begin(2, Deliver(2)), End(2)]).write(tmp_path / "a.json")
    assert (
        (tmp_path / "a.json").read_text("utf-8")
        == """{
  "schema": "harness.schedule/1",
  "id": "a[b-1]",
  "profile": "hardened",
  "without": ["pool.pre_ping", "deadline.statement:eager"],
  "seed": 7,
  "partial": false,
  "steps": [
    {"do": {"kind": "restart"}},
    {"begin": {"kind": "deliver", "n": 2}, "number": 2},
    {"end": 2}
  ]
}
"""
    )


def test_a_schedule_without_steps_is_a_file_too(tmp_path: Path) -> None:
    schedule([]).write(tmp_path / "a.json")
    assert read_schedule(tmp_path / "a.json") == schedule([])


def test_blocks_that_overlap_are_read_where_the_schedule_is_partial(tmp_path: Path) -> None:
    """It says what was done, and is repeated by its id: the order could not be written in Python."""
    moves: list[Move] = [Begin(1, Deliver()), Begin(2, Deliver()), End(1), End(2)]
    schedule(moves, partial=True).write(tmp_path / "a.json")
    assert read_schedule(tmp_path / "a.json").moves == tuple(moves)


RESTART: Json = {"do": {"kind": "restart"}}
BEGIN: Json = {"begin": {"kind": "deliver"}, "number": 1}
BEGIN_2: Json = {"begin": {"kind": "deliver"}, "number": 2}


@pytest.mark.parametrize(
    ("steps", "told", "mend"),
    [
        ([5], "steps[0] = 5: needs a table", "write a table"),
        ([{}], "steps[0] = {}: not a move", "write {"),
        ([RESTART, {"done": 1}], "steps[1]: done = 1: there is no such key; closest valid: 'do'", "write 'do'"),
        ([{"do": {"kind": "restart"}, "number": 1}], "steps[0] = {'do'", "write {"),
        ([{"begin": {"kind": "deliver"}}], "steps[0] = {'begin'", "write {"),
        ([{"begin": {"kind": "deliver"}, "number": True}], "steps[0]: number = True: needs", "write a whole"),
        ([{"begin": {"kind": "deliver"}, "number": "1"}], "steps[0]: number = '1': needs", "write a whole"),
        ([BEGIN, {"end": True}], "steps[1]: end = True: needs a whole number", "write a whole number"),
        ([{"do": {"kind": "delver"}}], "steps[0].do: kind = 'delver'", "write 'deliver'"),
        ([{"do": {"kind": "deliver", "n": 0}}], "steps[0].do: deliver: n = 0", "1 or more"),
        ([{"do": {"kind": "deliver", "n": 10**30}}], "steps[0].do: deliver: n = 1000", "10000 or less"),
        ([{"do": "restart"}], "steps[0]: do = 'restart': needs a table", "write a table"),
        ([{"do": {"kind": "link.down", "link": "redis"}}], "steps[0].do: kind = 'link.down': not", "use one"),
        ([{"do": {"kind": "traffic", "clients": 1}}], "steps[0]: do = 'traffic': this step cannot", '"begin"'),
        ([{"begin": {"kind": "restart"}, "number": 1}], "steps[0]: begin = 'restart': this step cannot", '"do"'),
        ([{"end": 1}], "steps[0]: end = '1': no block of this number is open", "begin one first"),
        ([BEGIN, {"end": 2}], "steps[1]: end = '2': no block of this number is open; valid: 1", "use one of: 1"),
        ([BEGIN, {"end": 1}, {"end": 1}], "steps[2]: end = '1': no block", "begin one first"),
        ([BEGIN], "begin = 1: is never ended", 'add {"end": 1}'),
        ([BEGIN, BEGIN, {"end": 1}, {"end": 1}], "steps[1]: number = 1: another block has this number", "write 2"),
        ([BEGIN, {"end": 1}, BEGIN, {"end": 1}], "steps[2]: number = 1: another block has this number", "write 2"),
        ([BEGIN, BEGIN_2, {"end": 1}, {"end": 2}], "steps[2]: end = 1: a block that began later", '{"end": 2}'),
    ],
)  # fmt: skip
def test_bad_steps(tmp_path: Path, steps: Json, told: str, mend: str) -> None:
    _refused(tmp_path, {"steps": steps}, told, mend)


@pytest.mark.parametrize(
    ("changed", "told", "mend"),
    [
        ({"schema": "harness.schedule/2"}, "schema = 'harness.schedule/2': another kind", "harness.schedule/1"),
        ({"schema": None}, "schema = None: another kind or version", "harness.schedule/1"),
        ({"sed": 5}, "sed = 5: there is no such key; closest valid: 'seed'", "write 'seed'"),
        ({"seed": True}, "seed = True: needs a whole number", "write a whole number"),
        ({"seed": "7"}, "seed = '7': needs a whole number", "write a whole number"),
        ({"partial": 1}, "partial = 1: needs true or false", "write true or false"),
        ({"id": 5}, "id = 5: needs a text", "write a text"),
        ({"id": "../../a"}, "id = '../../a': not a name", "write only"),
        ({"id": ""}, "id = '': not a name", "write only"),
        ({"profile": "a/b"}, "profile = 'a/b': not a name", "write only"),
        ({"without": "pool"}, "without = 'pool': needs a list", "write a list"),
        ({"without": [1]}, "without[0] = 1: needs a text", "write a text"),
        ({"without": ["../a"]}, "without[0] = '../a': not a name", "write only"),
        ({"steps": {}}, "steps = {}: needs a list", "write a list"),
    ],
)  # fmt: skip
def test_bad_heads(tmp_path: Path, changed: dict[str, Json], told: str, mend: str) -> None:
    _refused(tmp_path, changed, told, mend)


@pytest.mark.parametrize("key", ["id", "profile", "without", "seed", "partial", "steps"])
def test_missing_keys(tmp_path: Path, key: str) -> None:
    data = schedule([]).to_json()
    assert isinstance(data, dict)
    del data[key]
    _refused_text(tmp_path, json.dumps(data), f"{key} = None: this key is missing", f"add {key} to the top")


@pytest.mark.parametrize(
    ("text", "told", "mend"),
    [
        ("", "not JSON: Expecting value: line 1", "fix the line"),
        ('{"schema": }', "not JSON: Expecting value: line 1 column 12", "fix the line"),
        ("[]", "holds no JSON object", "name a schedule file"),
        ("[" * 100_000, "too deep or too large to read", "nest less"),
        ("9" * 5_000, "too deep or too large to read", "smaller numbers"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, told: str, mend: str) -> None:
    _refused_text(tmp_path, text, told, mend)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    for path in (tmp_path / "none", tmp_path, tmp_path / "binary"):
        with pytest.raises(UsageError, match=r"cannot be read|there is no such file") as caught:
            read_schedule(path)
        assert caught.value.hint == "name a schedule file"


def _refused(folder: Path, changed: dict[str, Json], told: str, mend: str) -> None:
    data = schedule([]).to_json()
    assert isinstance(data, dict)
    _refused_text(folder, json.dumps(data | changed), told, mend)


def _refused_text(folder: Path, text: str, told: str, mend: str) -> None:
    path = folder / "a.json"
    path.write_text(text, "utf-8")
    with pytest.raises(UsageError) as caught:
        read_schedule(path)
    assert caught.value.message.startswith(str(path))
    assert told in caught.value.message
    assert mend in caught.value.hint


def test_replay_ends_what_is_going_on_when_a_step_fails() -> None:
    bench = Bench()
    bench.performer.breaks["do", "restart"] = LookupError("broken")
    bench.performer.breaks["end", "inject"] = LookupError("cannot heal")
    inject = Inject((link.cut(redis),))
    moves: list[Move] = [Begin(1, Traffic(clients=1)), Begin(2, inject), Do(Restart()), End(2), End(1)]
    with pytest.raises(LookupError):
        asyncio.run(bench.actor.replay(moves))
    assert bench.performer.did[-2:] == [("end", inject), ("end", Traffic(clients=1))]
    assert bench.moves == tuple(moves)


def test_a_replayed_expectation_is_judged_too() -> None:
    step = Expect(service.metric("retries"), at_most=0)
    bench = Bench()
    asyncio.run(bench.actor.replay([Do(step)]))
    assert bench.performer.expectations == [step]
