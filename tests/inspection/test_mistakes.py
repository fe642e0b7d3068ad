"""Mistakes in a target description: each is named with file, key, value and mend, before anything is broken."""

from __future__ import annotations

import dataclasses
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.cli.verbs.setup import check as verb
from harness.engine.laying.testbed import TemplateError, Testbed, open_testbed, prepare_again
from harness.engine.workload.clients import Answer
from harness.engine.workload.contract import AGAIN
from harness.errors import UsageError
from harness.history.events import StoredRow
from harness.inspection import Found, inspect_on
from harness.inspection.rows import untold
from harness.inspection.sending import not_as_owed
from harness.inspection.starting import unprepared
from harness.stack import StackConfiguration
from harness.target import Delivery, Target, load_target
from harness.target.sections.requests import SOURCE
from harness.vocabulary import UNKNOWN
from tests.tiny import write_suite

LISTENING = r"'listening on port (?P<port>\d+)'"
UNUSED = '[links.redis]\nprotocol = "redis"\n'
SENDER = """
class Broken:
    def settings(self):
        return {}

    def request(self, delivery):
        return {}["secret"]
"""
MISTAKES: dict[str, tuple[str, str, str]] = {
    "wrong SQL": ("SELECT id, digest FROM", "SELEKT id FROM", "sql = 'SELEKT id FROM stored'.*syntax error"),
    "wrong table": ("digest FROM stored", "digest FROM storred", "storred.*does not exist.*closest valid: 'stored'"),
    "wrong column": ("SELECT id, digest", "SELECT id, digst", "digst.*closest valid: 'digest'"),
    "no digest": ("SELECT id, digest", "SELECT id", "digest.*closest valid: 'digest'"),
    "digest of another column": (
        "SELECT id, digest",
        "SELECT id, id AS digest",
        r"no SHA-256; the body that was sent has [0-9a-f]{64}.*sha256\(COLUMN\)",
    ),
    "another id": (
        "SELECT id, digest",
        "SELECT digest AS id, digest",
        "is not stored; it lists 1 rows.*the body of this delivery is in",
    ),
    "no port printed": (
        LISTENING,
        r"'serving at (?P<port>\d+)'",
        r"it printed: listening on port \d+; by the kernel it listens on \d+.*listening = 'listening.*\(\?P<port>",
    ),
    "wrong alive": (
        'alive = "/alive"',
        'alive = "/alve"',
        r"alive = '/alve': port \d+ gave: 404.*closest valid: '/alive'",
    ),
    "missing module": (
        '["{python}", "service.py"]',
        '["{python}", "broken.py"]',
        "command = .*ended with status 1: ModuleNotFoundError: No module named 'shopp'.*install shopp for /",
    ),
    "wrong path": (
        'path = "/{source}/{id}"',
        'path = "/hooks"',
        "path = '/hooks': a delivery was answered 404.*correct the path",
    ),
    "a text that it cannot take": (
        'path = "/{source}/{id}"',
        'path = "/{source}/%00{id}"\nbody = "x{id}"',
        "body = 'x{id}': a delivery was answered 500.*; its body was xmsg_.*logged: asyncpg.exceptions.Character",
    ),
    "a link that such a delivery never came to": (
        '[sender.http]\npath = "/{source}/{id}"',
        f'{UNUSED}\n[sender.http]\npath = "/{{source}}/%00{{id}}"\nbody = "x{{id}}"',
        "body = 'x{id}': a delivery was answered 500",
    ),
    "sender that raises": (
        '[sender.http]\npath = "/{source}/{id}"',
        '[sender]\npython = "sender.py:Broken"',
        r"sender.py:7 raised KeyError: 'secret'",
    ),
    "round the relay": (
        "[limits]",
        f"{UNUSED}[limits]",
        r"link = 'redis': nothing of the service's has come through it; it has no other.*\{redis.url\}",
    ),
    "unhandled too wide": (
        "'^Traceback'",
        "'listening'",
        "unhandled = 'listening': it finds a line although nothing was broken",
    ),
    "a change that it does not know": (
        "[limits]",
        '[changes.gone]\nmethod = "DELETE"\nremoves = true\npath = "/{source}/{id}/none"\n\n[limits]',
        r"\[changes.gone\]: .*was answered 4\d\d, which means rejected.* where acknowledged is owed",
    ),
    "a wrong request that is right": (
        "[limits]",
        "[wrong.empty]\nabout = 'x'\nbody = ''\n\n[limits]",
        "wrong.empty.*was answered 200, which means acknowledged.* where rejected is owed",
    ),
}
"""What stands in the description, what in its place is wrong, and what is said of that."""


DELIVERED = Delivery("msg_1", SOURCE, b"body")
PREPARES, SLEEPS, NO_TABLES = (
    'prepare = ["{python}", "service.py", "prepare"]',
    'prepare = ["sleep", "60"]\nprepare_within_s = 0.1',
    'prepare = ["true"]',
)


# One test: the servers that it needs take longer than all mistakes.
def test_each_mistake_is_named_with_its_mend(tmp_path: Path) -> None:
    file = write_suite(tmp_path) / "scenarios" / "target.toml"
    sound = file.read_text("utf-8").replace(UNUSED, "")
    with_redis = load_target(file)
    file.write_text(sound, "utf-8")
    file.with_name("sender.py").write_text(SENDER, "utf-8")
    (tmp_path / "broken.py").write_text("import shopp", "utf-8")
    missed = {}
    with open_testbed(with_redis, StackConfiguration(), logs=tmp_path / "logs") as bed:
        assert _problems(dataclasses.replace(bed, target=load_target(file)), tmp_path) == [], "as it is"
        for name, (right, wrong, told) in MISTAKES.items():
            assert right in sound, name
            file.write_text(sound.replace(right, wrong), "utf-8")
            problems = _problems(dataclasses.replace(bed, target=load_target(file)), tmp_path)
            if len(problems) != 1 or not re.search(told, problems[0]) or "target.toml: [" not in problems[0]:
                missed[name] = problems
        for mend, prepares in (("write the command that creates them", ""), ("have it create them", NO_TABLES)):
            file.write_text(sound.replace(PREPARES, prepares), "utf-8")
            unprepared_bed = dataclasses.replace(bed, target=load_target(file), preloaded=None)
            prepare_again(unprepared_bed)
            of_service, of_tables = _problems(unprepared_bed, tmp_path)
            assert "[sender.http]" in of_service
            assert re.search(f"stored. does not exist.*the database has no tables.*{mend}", of_tables), of_tables
        file.write_text(sound.replace(PREPARES, SLEEPS), "utf-8")
        sleeping = load_target(file)
        with pytest.raises(TemplateError) as unready:
            prepare_again(dataclasses.replace(bed, target=sleeping, preloaded=None))
    assert missed == {}
    # A user reads it in a gate, or in a check.
    for told in (str(unready.value), str(unprepared(sleeping, unready.value))):
        assert "[service]" in told
        assert "prepare = 'sleep 60': still ran after 0.1 s, and was ended" in told
        assert "if it needs that long, write a larger prepare_within_s into [service]" in told


def _problems(bed: Testbed, folder: Path) -> list[str]:
    found: list[Found] = []
    if bed.target.description.service.command[1] != "service.py":
        bed = dataclasses.replace(bed, preloaded=None)  # that is for this program alone
    inspect_on(bed, folder, found.append)
    return [" ".join(str(each.problem).split()) for each in found if each.problem is not None]


def test_prepare_that_fails_says_why_in_its_last_line(tmp_path: Path) -> None:
    target = load_target(write_suite(tmp_path) / "scenarios" / "target.toml")
    failed = TemplateError("prepare ended with status 1")
    failed.status, failed.said = 1, "Traceback\n  much more\nModuleNotFoundError: No module named 'asyncpg'\n"
    told = str(unprepared(target, failed))
    assert "[service]: prepare = '{python} service.py prepare': ended with status 1: ModuleNotFoundError" in told
    assert f"install asyncpg for {sys.executable}" in told


@pytest.mark.parametrize(
    ("digest", "told"),
    [
        (DELIVERED.digest, ""),
        (
            "x",
            r"\[stored.listed\]: each = .* the digest of msg_1 is 'x', no SHA-256; .* with digests = false",
        ),
        (None, r"\[stored\]: the service does not show msg_1, which it has acknowledged"),
    ],
    ids=["right", "no digest", "not there"],
)
def test_a_list_of_the_services_own_shows_the_body_that_was_sent(tmp_path: Path, digest: str | None, told: str) -> None:
    file = write_suite(tmp_path) / "scenarios" / "target.toml"
    rows = 'sql = "SELECT id, digest FROM stored"'
    text = file.read_text("utf-8")
    assert rows in text
    file.write_text(text.replace(rows, 'listed = { path = "/", each = "(?P<id>.) (?P<digest>.)" }'), "utf-8")
    problem = untold(load_target(file), DELIVERED, [] if digest is None else [StoredRow("msg_1", digest)])
    assert re.search(told, " ".join(str(problem).split())) if told else problem is None


def test_a_service_that_does_not_know_a_delivery_again_is_told_what_a_sender_does(tmp_path: Path) -> None:
    target = load_target(write_suite(tmp_path) / "scenarios" / "target.toml")
    answer = Answer("msg", UNKNOWN, 500, b"Internal Server Error", 1.0)
    told = str(not_as_owed(target, "contract, again", AGAIN, answer, "acknowledged", ()))
    assert "was answered 500, which means unknown: Internal Server Error where acknowledged is owed" in told
    assert "sends the same delivery once more: the service must acknowledge it again" in told


def test_what_init_left_open_is_named_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write_suite(tmp_path) / "scenarios" / "target.toml"
    wrong = file.read_text("utf-8").replace('alive = "/alive"', 'alive = "/TODO"  # or another')
    file.write_text(wrong, "utf-8")
    number = wrong[: wrong.index("/TODO")].count("\n") + 1
    assert main(["check", "--scenarios", str(file.parent)]) == 4
    told = " ".join(capsys.readouterr().err.split())
    assert f"{file}:{number}: alive = 'TODO': is not filled in yet" in told
    assert f"mend: fill in {file}:{number}" in told


@pytest.mark.parametrize("wrong", [False, True])
def test_the_verb_ends_with_4_if_anything_is_wrong(
    tmp_path: Path, wrong: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def inspect(target: Target, stack: StackConfiguration, tell: Callable[[Found], None]) -> Sequence[Found]:
        del stack
        assert target.description.name == "tiny"
        found = [Found(what="[stored]", saw="1 rows"), *([Found(what="x", problem=UsageError("bad"))] if wrong else [])]
        for each in found:
            tell(each)
        return found

    monkeypatch.setattr(verb, "inspect", inspect)
    scenarios = write_suite(tmp_path) / "scenarios"
    status = main(["check", "--scenarios", str(scenarios)])
    told = capsys.readouterr().out.splitlines()
    assert (status, told[0]) == (4 if wrong else 0, "+ [stored]: 1 rows")
    if wrong:
        assert told[1:] == ["x bad", f"1 thing not as described: mend {scenarios}/target.toml, or the service"]
    else:
        ways = [f"gate --scenarios {scenarios}", f"gate --scenarios {scenarios} --suite standard"]
        assert [line.endswith(way) for line, way in zip(told[1:], ways, strict=True)] == [True, True]
