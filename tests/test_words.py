"""`from harness import ...`: every word is there, shows a true example, and says what each argument is."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
from collections.abc import Callable

import pytest

import harness
import harness.checks
from harness.errors import UsageError
from harness.faults.fault import Fault
from harness.protocols.registry import import_everywhere
from harness.vocabulary import Value
from harness.vocabulary.links import WORDS

SECTIONS = re.compile(r"^(?:Args|Raises|Returns):\n(?:(?: {4,}.*)?\n?)*", re.MULTILINE)
EXAMPLE = re.compile(r"^ {4,}\S.*$(?:\n(?: {4,}.*)?$)*", re.MULTILINE)

import_everywhere("faults")
FAULTS = {kind: fault for kind, fault in Fault.kinds().items() if fault.__module__.startswith("harness.")}
LINKS = WORDS.all()
LINK_CLASSES = {kind.__name__: kind for kind in LINKS.values()}
GIVEN = {"Moment", "Message", "Figure"}


def public_methods(kind: type) -> dict[str, Callable[..., object]]:
    """The methods of a link that scenarios call: those that give something to wait for, or to limit."""
    found = inspect.getmembers(kind, inspect.isfunction)
    return {name: method for name, method in found if method.__annotations__.get("return") in GIVEN}


def vars_of(kind: type) -> dict[str, Callable[..., object]]:
    """The methods that a class itself defines, without those whose names begin with an underscore."""
    return {name: method for name, method in vars(kind).items() if inspect.isfunction(method) and name[0] != "_"}


def words_of_checks() -> dict[str, Callable[..., object]]:
    """The functions and the results that `harness.checks` exports."""
    words: dict[str, Callable[..., object]] = {}
    for name in harness.checks.__all__:
        word = getattr(harness.checks, name)
        if inspect.isfunction(word) or (inspect.isclass(word) and dataclasses.is_dataclass(word)):
            words[name] = word
    return words


CALLED: dict[str, Callable[..., object]] = {
    **{name: word for name in harness.__all__ if inspect.isfunction(word := getattr(harness, name))},
    **{
        f"service.{name}": method
        for name, method in inspect.getmembers(harness.service, inspect.ismethod)
        if not name.startswith("_")
    },
    **{f"lab.{name}": method for kind in harness.Lab.__bases__ for name, method in vars_of(kind).items()},
    **{f"chaos.{name}": method for name, method in vars_of(harness.Chaos).items() if name not in {"open", "close"}},
    **{f"checks.{name}": word for name, word in words_of_checks().items()},
    "wire.order": harness.wire.order,
    "Fault.fired": harness.Fault.fired,
    **{kind: fault for kind, fault in FAULTS.items() if kind != "no_fault"},
    **LINK_CLASSES,
    **{
        f"{kind}.{name}": method for kind, link in LINK_CLASSES.items() for name, method in public_methods(link).items()
    },
}
"""Everything that a scenario calls: functions, the classes of faults and links, and their methods."""
USED_AS_THEY_ARE = {
    "Answer": harness.Answer,
    "Chaos": harness.Chaos,
    "Fault": harness.Fault,
    "Figure": harness.Figure,
    "Lab": harness.Lab,
    "Link": harness.Link,
    "Link.sends_per_request": harness.Link.sends_per_request,
    "Message": harness.Message,
    "Moment": harness.Moment,
    "Outcome": harness.Outcome,
    "no_fault": harness.no_fault,
    "service": harness.service,
}


def test_every_word_is_there() -> None:
    assert {name for name in harness.__all__ if getattr(harness, name, None) is None} == set()
    assert set(harness.__all__) <= set(dir(harness))
    with pytest.raises(AttributeError, match="'harness' has no attribute 'wier'"):
        _ = harness.wier  # type: ignore[attr-defined]  # a misspelt word, which is refused


def test_every_word_is_looked_at() -> None:
    outcomes = {"ANY_OUTCOME", "ENDS", *harness.Outcome.__members__}
    modules = {"link", "names", "process", "server", "syscall", "wire"}
    assert {*LINKS, *LINK_CLASSES} <= set(harness.__all__)
    others = set(harness.__all__) - {*CALLED} - {*USED_AS_THEY_ARE} - {*LINKS} - outcomes - modules
    assert others == {"Errno"}  # a type of literals has no docstring that Python keeps
    assert {"link.down", "wire.cut", "server.lock", "server.flush", "wrong_length", "Link.sends_per_request"} <= (
        CALLED.keys() | USED_AS_THEY_ARE.keys()
    )
    assert {"Postgres.waiting", "Redis.idle", "Tcp.sent", "Http.connects_peak", "Http.logged"} <= CALLED.keys()


@pytest.mark.parametrize("name", CALLED)
def test_a_word_that_is_called_shows_an_example_and_says_what_each_argument_is(name: str) -> None:
    text = inspect.getdoc(CALLED[name]) or ""
    assert example(text), text
    arguments = text.partition("\nArgs:\n")[2]
    taken = [parameter for parameter in inspect.signature(CALLED[name]).parameters if parameter not in {"self", "_"}]
    assert [one for one in taken if not re.search(rf"^ {{4}}{one}: \S", arguments, re.MULTILINE)] == [], text


@pytest.mark.parametrize("name", [*CALLED, *USED_AS_THEY_ARE])
def test_a_word_is_summed_up_in_one_line_that_is_a_sentence(name: str) -> None:
    summary, _, rest = (inspect.getdoc(CALLED.get(name) or USED_AS_THEY_ARE[name]) or "").partition("\n")
    assert re.search(r"[.:]$", summary), summary
    assert rest.startswith("\n"), "an empty line follows"


REFUSES = re.compile(r"UsageError|at_least_one|limits\(|Raises:")


@pytest.mark.parametrize("name", [name for name in CALLED if REFUSES.search(inspect.getsource(CALLED[name]))])
def test_a_word_that_refuses_an_argument_says_so(name: str) -> None:
    assert "\nRaises:\n" in (inspect.getdoc(CALLED[name]) or "")


@pytest.mark.parametrize("name", USED_AS_THEY_ARE)
def test_a_word_that_scenarios_use_as_it_is_shows_an_example(name: str) -> None:
    assert example(inspect.getdoc(USED_AS_THEY_ARE[name]) or "")


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_the_example_of_a_fault_makes_that_fault(fault: type[Fault]) -> None:
    assert fault in {type(value) for value in values_in(example(inspect.getdoc(fault) or ""))}


@pytest.mark.parametrize("name", [name for name in CALLED if name.split(".")[0] in {"Fault", "wire", *LINK_CLASSES}])
def test_the_values_of_an_example_can_be_made(name: str) -> None:
    assert values_in(example(inspect.getdoc(CALLED[name]) or ""))


def example(text: str) -> str:
    """The indented lines of a docstring outside of its sections."""
    return "\n".join(inspect.cleandoc("\n" + found) for found in EXAMPLE.findall(SECTIONS.sub("", text)))


def values_in(source: str) -> list[Value]:
    """Every value that an example makes, and the names that it gives them."""
    names = {name: getattr(harness, name) for name in harness.__all__}
    made: list[Value] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Assign):
            exec(compile(ast.Module([node], []), "example", "exec"), names)  # noqa: S102  # a docstring of ours
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name | ast.Call) and not made_by_a_run(node):
            value = eval(compile(ast.Expression(node), "example", "eval"), names)  # noqa: S307  # as above
            made += [value] if isinstance(value, Value) else []
    return made


def made_by_a_run(node: ast.AST) -> bool:
    """Whether only a running scenario has it, or it is a name that is given a value here."""
    names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
    return any(each.id in {"lab", "fault", "pytest"} or isinstance(each.ctx, ast.Store) for each in names)


@pytest.mark.parametrize("source", ["wire.cut(redis.sent('SET'), after_byte=1)", "link.latency(redis, latency_ms=0)"])
def test_an_example_that_no_scenario_could_use_is_found(source: str) -> None:
    with pytest.raises((TypeError, UsageError), match=r"after_byte|latency_ms"):
        values_in(source)
