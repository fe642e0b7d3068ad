"""A target description loads, or tells the place, the key, the value, the closest valid one and the mend."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.target import load_target
from tests.target.support import DESCRIPTION, changed, write

OWN = Path(__file__).parents[2] / "scenarios" / "target.toml"


def test_the_suites_own_description_loads() -> None:
    target = load_target(OWN)
    assert target.description.name == "webhook"
    assert target.description.default_profile == "hardened"
    assert target.directory == OWN.parents[1]
    assert set(target.description.profiles) == {"hardened", "incident", "unprotected"}
    assert set(target.sender.settings()) == {"WEBHOOK_SECRETS"}
    for profile in target.description.profiles:
        assert target.settings(profile, list(target.description.protections))


def test_a_small_description_loads(tmp_path: Path) -> None:
    target = load_target(write(tmp_path))
    assert target.path == (tmp_path / "target.toml").resolve()
    assert type(target.sender).__name__ == "Plain"
    assert target.description.limits.recovery_s == 10.0
    assert target.description.service.environment["SHAPE"] == "{not a placeholder}"


@pytest.mark.parametrize(
    ("old", "new", "place", "told", "mend"),
    [
        # A key that is misspelt, at every level.
        ('name = "small"', 'nam = "small"', ": nam = 'small'", "closest valid: 'name'", "write 'name'"),
        ("[stored]", "[storred]", ": storred = {", "closest valid: 'stored'", "write 'stored'"),
        ('alive = "/', 'alife = "/', ": [service]: alife = '/healthz'", "closest valid: 'alive'", "write 'alive'"),
        ('protocol = "redis"', 'protocoll = "redis"', ": [links.redis]: protocoll", "closest valid: 'protocol'", "write"),
        ('about = "Pings."', 'abuot = "Pings."', ': [protections."pool.ping"]: abuot', "closest valid: 'about'", "write 'about'"),
        ('about = "Retries."', 'abuot = "Retries."', ": [protections.retry]: abuot", "closest valid: 'about'", "write 'about'"),
        ('"pool.ping".variants', '"pool.ping".variant', ': [protections."pool.ping"]: variant', "closest valid: 'variants'", "write"),
        ('about = "All on."', 'abuot = "All on."', ": [profiles.all]: abuot", "closest valid: 'about'", "write 'about'"),
        ("metrics = ", "metric = ", ": [probes]: metric", "closest valid: 'metrics'", "write 'metrics'"),
        ("connections = ", "conections = ", ": [limits]: conections", "closest valid: 'connections'", "write"),
        ("refused = [", "refuse = [", ": [answers]: refuse", "closest valid: 'refused'", "write 'refused'"),
        ("sql = ", "sqll = ", ": [stored]: sqll", "closest valid: 'sql'", "write 'sql'"),
        ('python = "plain.py:Plain"', 'http = { path = "/a", header = {} }', ": [sender.http]: header", "closest valid: 'headers'", "write"),
        # A key that is missing.
        ('name = "small"', "", ": name = None", "this key is missing", "add name to [top]"),
        ("connections = 5", "", ": [limits]: connections = None", "this key is missing", "add connections to [limits]"),
        ('about = "Pings."', "", ': [protections."pool.ping"]: about = None', "this key is missing", '[protections."pool.ping"]'),
        # A value of the wrong type.
        ("connections = 5", 'connections = "many"', ": [limits]: connections = 'many'", "valid integer", "mend connections"),
        ("connections = 5", "connections = 0", ": [limits]: connections = 0", "greater than 0", "mend connections"),
        ("body_bytes = 1000", "body_bytes = 99", ": [limits]: body_bytes = 99", "greater than or equal to 100", "mend body_bytes"),
        ('off = { PING = "off" }', 'off = "PING"', ': [protections."pool.ping"]: off = ', "valid dictionary", "mend off"),
        ('off = { PING = "off" }', "off = { PING = 1 }", ': [protections."pool.ping".off]: PING = 1', "valid string", "mend PING"),
        ('off = { PING = "off" }', "off = {}", ': [protections."pool.ping"]: off = {}', "switches nothing", "name a setting"),
        ("command = [", "command = [] # ", ": [service]: command = []", "at least 1 item", "mend command"),
        ('"-m", "small", ', "5, ", ": [service.command]: 1 = 5", "valid string", "mend 1"),
        # A word that is none of those.
        ("harness.target/1", "harness.target/2", ": schema = 'harness.target/2'", "closest valid: 'harness.target/1'", "write"),
        ('protocol = "redis"', 'protocol = "reddis"', ": [links.redis]: protocol", "closest valid: 'redis'", "write 'redis'"),
        ('name = "small"', 'name = "Two words"', ": name = 'Two words'", "not a name", "begin with a-z"),
        ("[links.redis]", '[links."Re dis"]', ": [links.Re dis]: name = 'Re dis'", "not a name", "begin with a-z"),
        # Expressions, paths, statuses.
        ('unhandled = "Traceback"', 'unhandled = "("', ": [service]: unhandled = '('", "not a regular expression", "mend the"),
        (r"port (?P<port>\d+)", "port (", ": [service]: listening = 'port ('", "not a regular expression", "mend the"),
        (r"port (?P<port>\d+)", "port", ": [service]: listening = 'port'", "no group named port", "(?P<port>"),
        ("/healthz", "healthz", ": [service]: alive = 'healthz'", "a path begins with /", "write /healthz"),
        ('"503"', '"5033"', ": [answers.refused]: 1 = '5033'", "not a status", "three digits"),
        ('acknowledged = ["2xx"]', 'acknowledged = ["2xx", "503"]', ": answers = {", "503 both acknowledges and refuses", "take 503"),
        ('acknowledged = ["2xx"]', "acknowledged = []", ": [answers]: acknowledged = []", "at least 1 item", "mend"),
        # Names of other tables.
        ('default_profile = "all"', 'default_profile = "al"', ": default_profile = 'al'", "closest valid: 'all'", "write 'all'"),
        ('"pool.ping", "retry"', '"pool.pong"', ": [profiles.bare]: without = 'pool.pong'", "closest valid: 'pool.ping'", "write"),
        ('"pool.ping", "retry"', '"pool.ping:eagre"', ": [profiles.bare]: without", "closest valid: 'pool.ping:eager'", "write"),
        ('"pool.ping", "retry"', '"retry:eager"', ": [profiles.bare]: without", "no such variant", "write 'retry'"),
        ('link = "postgres"', 'link = "redis"', ": [stored]: link = 'redis'", "not a database", "postgres"),
        ('link = "postgres"', 'link = "postgers"', ": [stored]: link = 'postgers'", "closest valid: 'postgres'", "write"),
        ("{redis.url}", "{redis.ulr}", ": [service]: REDIS_URL = 'redis.ulr'", "closest valid: 'redis.url'", "write"),
        ("{redis.url}", "{redis.user}", ": [service]: REDIS_URL = 'redis.user'", "nothing is known by this name", "redis"),
        ("{postgres.url}", "{postgres.urll}", ": [service]: command[3] = ", "closest valid: 'postgres.url'", "write"),
        ("{postgres.host}", "{postgres.hots}", ": [service]: prepare[3] = ", "closest valid: 'postgres.host'", "write"),
        ("{source}:{id}", "{source}:{name}", ": [links.redis]: remembers = 'name'", "nothing is known", "use one of: id"),
        # Senders.
        ('python = "plain.py:Plain"', "", ": sender = {}", "one of python and http is needed", "give python"),
        ('python = "plain.py:Plain"', 'python = "plain.py:Plain"\nhttp = { path = "/" }', ": sender = {", "one of python", "give"),
        ('python = "plain.py:Plain"', 'http = { path = "a" }', ": [sender.http]: path = 'a'", "begins with /", "write /a"),
        ('python = "plain.py:Plain"', 'http = { path = "/{idd}" }', ": [sender.http]: path = 'idd'", "closest valid: 'id'", "write"),
        ('python = "plain.py:Plain"', 'http = { path = "/", headers = { a = "{x}" } }', "headers.a = 'x'", "nothing", "use one of"),
        ("plain.py:Plain", "plane.py:Plain", ": [sender]: python = 'plane.py:Plain'", "closest valid: 'plain.py:'", "write"),
        ("plain.py:Plain", "none/a.py:Plain", ": [sender]: python", "there is no such file", "beside the description"),
        ("plain.py:Plain", "plain.py:Plan", ": [sender]: python", "closest valid: 'plain.py:Plain'", "write"),
        ("plain.py:Plain", "plain.py", ": [sender]: python", "the file has no such class", "plain.py:Plain"),
    ],
)  # fmt: skip
def test_every_mistake_is_told(tmp_path: Path, old: str, new: str, place: str, told: str, mend: str) -> None:
    path = write(tmp_path, changed(old, new))
    with pytest.raises(UsageError) as caught:
        load_target(path)
    assert caught.value.message.startswith(str(path))
    assert place in caught.value.message
    assert told in caught.value.message
    assert mend in caught.value.hint
    assert "Value error" not in caught.value.message


@pytest.mark.parametrize(
    ("sender", "told", "mend"),
    [
        ("raise LookupError('no key')", "plain.py raised LookupError: no key", "mend plain.py"),
        ("import no_such_module", "plain.py raised ModuleNotFoundError: No module named", "mend plain.py"),
        ("class Plain", "plain.py raised SyntaxError", "mend plain.py"),
        ("import sys\nsys.exit(3)", "plain.py raised SystemExit: 3", "mend plain.py"),
        ("", "the file has no such class", "give it a class"),
        ("Plain = 5", "the file has no such class", "give it a class"),
        ("class Plain:\n    def request(self, d): ...", "the class has no method settings()", "add settings()"),
        ("class Plain:\n    def settings(self): ...", "the class has no method request()", "add request()"),
        (
            "class Plain:\n    settings = request = print\n    def __init__(self, key): ...",
            "plain.py raised TypeError",
            "mend plain.py",
        ),
    ],
)
def test_a_sender_that_does_not_do(tmp_path: Path, sender: str, told: str, mend: str) -> None:
    sys.modules.pop("harness_sender_plain", None)
    path = write(tmp_path, sender=sender)
    with pytest.raises(UsageError) as caught:
        load_target(path)
    assert caught.value.message.startswith(f"{path}: [sender]: python = 'plain.py:Plain': ")
    assert told in caught.value.message
    assert mend in caught.value.hint
    assert ("raised" in told and "TypeError" not in told) <= ("harness_sender_plain" not in sys.modules)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"schema = ", "not TOML: Invalid value"),
        (b"a = 1\na = 2", "not TOML: Cannot overwrite a value"),
        (b"\x00\x01", "not TOML"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"a = " + b"[" * 100_000, "not TOML: maximum recursion depth"),
    ],
    ids=range(5),
)
def test_files_that_are_none(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "target.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(told)) as caught:
        load_target(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_an_empty_file_lacks_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"schema = None: this key is missing \(and 7 more\)"):
        load_target(write(tmp_path, ""))


def test_a_missing_file_is_told_with_those_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="there is no such file") as caught:
        load_target(Path("suite/targt.toml"))
    assert caught.value.hint == "name a target description"
    (tmp_path / "suite").mkdir()
    write(tmp_path / "suite")
    with pytest.raises(UsageError, match=r"closest valid: 'suite/target\.toml'"):
        load_target(Path("suite/targt.toml"))


def test_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: .*Is a directory") as caught:
        load_target(tmp_path)
    assert caught.value.hint == "name a target description, in TOML"


def test_the_table_above_changes_what_loads(tmp_path: Path) -> None:
    """Were the description itself at fault, every mistake would be told."""
    assert load_target(write(tmp_path, DESCRIPTION + "\n# a comment"))
