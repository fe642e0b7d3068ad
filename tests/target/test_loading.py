"""A target description loads, or tells the place, the key, the value, the closest valid one and the mend."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.target import load_target
from tests.target.support import DESCRIPTION, changed, told, write

PING = '[protections."pool.ping"]'


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('name = "small"', 'nam = "small"', "nam = 'small'"),
        ("[stored]", "[storred]", "storred = {"),
        ("alive = ", "alife = ", "[service]: alife = '/healthz'"),
        ("python = ", "pyton = ", "[sender]: pyton = 'plain.py:Plain'"),
        ('protocol = "redis"', 'protocoll = "redis"', "[links.redis]: protocoll = 'redis'"),
        ('about = "Pings."', 'abuot = "Pings."', f"{PING}: abuot = 'Pings.'"),
        ('about = "Retries."', 'abuot = "Retries."', "[protections.retry]: abuot = 'Retries.'"),
        ('"pool.ping".variants', '"pool.ping".variant', f"{PING}: variant = {{"),
        ('about = "All on."', 'abuot = "All on."', "[profiles.all]: abuot = 'All on.'"),
        ("metrics = ", "metric = ", "[probes]: metric = '/metrics'"),
        ("connections = ", "conections = ", "[limits]: conections = 5"),
        ("[outcomes.refused]", "[outcomes.refuse]", "[outcomes]: refuse = {"),
        ("sql = ", "sqll = ", "[stored]: sqll = "),
    ],
)
def test_a_misspelt_key_is_told_with_the_right_one(tmp_path: Path, old: str, new: str, place: str) -> None:
    right = re.findall(r"[a-z]+", old.partition(" = ")[0])[-1]
    message, hint = told(write(tmp_path, changed(old, new)))
    assert f": {place}" in message
    assert f"closest valid: {right!r}" in message
    assert hint == f"write {right!r}"


def test_a_start_of_what_the_target_does_not_have_is_told(tmp_path: Path) -> None:
    start = '[starts.one]\nabout = "a"\nruns = "prepare"\nonly = []\n\n[limits]'
    text = DESCRIPTION.replace('prepare = ["{python}", "-m", "small.prepare", "{postgres.host}"]\n', "")
    message, hint = told(write(tmp_path, text.replace("[limits]", start)))
    assert "[starts.one]: runs = 'prepare': the target has no command that prepares" in message
    assert hint == "add prepare to [service]"


@pytest.mark.parametrize(
    ("line", "place", "mend"),
    [
        ('name = "small"', "name", "add name to the top of the file"),
        ("connections = 5", "[limits]: connections", "add connections to [limits]"),
        ('about = "Pings."', f"{PING}: about", f"add about to {PING}"),
    ],
)
def test_a_missing_key_is_told(tmp_path: Path, line: str, place: str, mend: str) -> None:
    message, hint = told(write(tmp_path, changed(line, "")))
    assert message.endswith(f": {place} = None: this key is missing")
    assert hint == mend


REDIS = 'protocol = "redis"'
LINK, TWO, ALSO = "[links.redis]", 'server = "two"', '[links.also]\nprotocol = "postgres"'
OFF, CONNECTIONS, PYTHON = 'off = { PING = "off" }', "connections = 5", 'python = "plain.py:Plain"'
DEADLINE = "request_deadline_ms = 1000"
TWO_HUNDRED, WITHOUT, LISTENING = 'status = ["2xx"]', '"pool.ping", "retry"', r"port (?P<port>\d+)"


def test_a_link_in_tls_has_an_authority_to_trust(tmp_path: Path) -> None:
    text = changed(REDIS, f"{REDIS}\ntls = true").replace("{redis.url}", "{redis.url}?ssl_ca_certs={redis.ca_file}")
    links = load_target(write(tmp_path, text)).description.links
    assert (links["redis"].tls, links["postgres"].tls) == (True, False)
    message, _ = told(write(tmp_path, text.replace("{redis.ca_file}", "{redis.cafile}")))
    assert "closest valid: 'redis.ca_file'" in message


REPLICA = '[links.copy]\nprotocol = "postgres"\nreplica_of = "postgres"\n\n[limits]'


def test_a_replica_has_the_server_of_the_link_that_it_follows(tmp_path: Path) -> None:
    links = load_target(write(tmp_path, changed("[limits]", REPLICA))).description.links
    assert (links["copy"].replica_of, links["copy"].server_name) == ("postgres", "postgres")


@pytest.mark.parametrize(
    ("old", "new", "problem", "mend"),
    [
        (
            '"postgres"\n\n',
            '"redis"\n\n',
            "replica_of = 'redis': no link above it has this protocol and name",
            "postgres",
        ),
        (
            '"postgres"\n\n',
            '"copy"\n\n',
            "replica_of = 'copy': no link above it has this protocol and name",
            "postgres",
        ),
        (
            "replica_of",
            'server = "two"\nreplica_of',
            "server = 'two': [links.postgres] leads to another",
            "same server",
        ),
        (
            'protocol = "postgres"',
            'protocol = "redis"',
            "the harness makes no replica of a redis server",
            "take it out",
        ),
    ],
)
def test_a_replica_of_what_has_none_is_told(tmp_path: Path, old: str, new: str, problem: str, mend: str) -> None:
    message, hint = told(write(tmp_path, changed("[limits]", REPLICA.replace(old, new))))
    assert problem in message
    assert mend in hint


@pytest.mark.parametrize(
    ("old", "new", "problem", "mend"),
    [
        ("pool_of", "pool_of", "", ""),
        ('"postgres"\n\n', '"redis"\n\n', "pool_of = 'redis': no link above it has this protocol and name", "postgres"),
        ('protocol = "postgres"', 'protocol = "redis"', "puts no pooler in front of a redis server", "take it out"),
        ("pool_of", 'replica_of = "postgres"\npool_of', "pool_of = 'postgres': it reads a replica", "two links"),
        ("pool_of", "sentinel_of", "has no Sentinel look at a postgres server", "take it out"),
    ],
)
def test_a_pooler_leads_to_the_server_of_the_link_that_it_pools(
    tmp_path: Path, old: str, new: str, problem: str, mend: str
) -> None:
    file = write(tmp_path, changed("[limits]", REPLICA.replace("replica_of", "pool_of").replace(old, new)))
    if not problem:
        assert load_target(file).description.links["copy"].shares == "postgres"
        return
    message, hint = told(file)
    assert problem in message
    assert mend in hint


@pytest.mark.parametrize(
    ("old", "new", "told_at", "problem", "mend"),
    [
        # The wrong type, or out of its limits.
        (CONNECTIONS, 'connections = "many"', "[limits]: connections = 'many'", "valid integer", "mend connections"),
        (CONNECTIONS, "connections = 0", "[limits]: connections = 0", "greater than 0", "mend connections"),
        (DEADLINE, "request_deadline_ms = inf", "[limits]: request_deadline_ms = inf", "finite", "mend request"),
        (DEADLINE, "request_deadline_ms = 1e300", "request_deadline_ms = 1e+300", "equal to 86400000", "mend request"),
        ("body_bytes = 1000", "body_bytes = 99", "[limits]: body_bytes = 99", "equal to 100", "mend body_bytes"),
        (OFF, 'off = "PING"', f"{PING}: off = 'PING'", "needs a table", "write a table"),
        (OFF, "off = { PING = 1 }", '[protections."pool.ping".off]: PING = 1', "needs a text", "write a text"),
        (OFF, "off = {}", f"{PING}: off = {{}}", "switches nothing", "name a setting"),
        ("command = [", "command = [] # ", "[service]: command = []", "at least 1 item", "mend command"),
        ('"-m", "small", ', "5, ", "[service]: command[1] = 5", "needs a text", "write a text"),
        # A word that is none of those.
        ("harness.target/2", "harness.target/1", "schema = 'harness.target/1'", "valid: harness", "[outcomes."),
        ("harness.target/2", "harness.target/3", "schema = 'harness.target/3'", "valid: 'harness.target/2'", ""),
        ('protocol = "redis"', 'protocol = "redi"', "[links.redis]: protocol", "closest valid: 'redis'", "write"),
        ('name = "small"', 'name = "Two words"', "name = 'Two words'", "not a name", "begin with a-z"),
        ("[links.redis]", '[links."Re dis"]', "[links.Re dis]: name = 'Re dis'", "not a name", "begin with a-z"),
        # Expressions, paths, statuses.
        ('unhandled = "Traceback"', 'unhandled = "("', "[service]: unhandled = '('", "not a regular", "mend the"),
        (LISTENING, "port (", "[service]: listening = 'port ('", "not a regular expression", "mend the"),
        (f"listening = '{LISTENING}'", "", "nothing says on which port", "nothing", "{service.port}"),
        ("{postgres.host}", "{service.port}", "[service]: prepare[3] = 'service.port'", "such name", "postgres"),
        (LISTENING, "port", "[service]: listening = 'port'", "no group named port", "(?P<port>"),
        ("/healthz", "healthz", "[service]: alive = 'healthz'", "a path begins with /", "write /healthz"),
        ('"503"', '"5033"', "[outcomes.refused]: status[0] = '5033'", "not a status", "three digits"),
        ('"2xx"', '"503"', "outcomes = {", "503 means both acknowledged and refused", "take 503"),
        (TWO_HUNDRED, "status = []", "[outcomes.acknowledged]: status = []", "at least 1 item", "mend status"),
        (TWO_HUNDRED, f"{TWO_HUNDRED}\nbody = '('", "body = '('", "not a regular", "mend the"),
        # Requests.
        ("[limits]", "[reads.one]\npath = 'a'\n[limits]", "[reads.one]: path = 'a'", "begins with /", "write /a"),
        ("[limits]", "[reads.one]\npath = '/{idd}'\n[limits]", "[reads.one]: path = 'idd'", "closest valid: 'id'", ""),
        ("[limits]", "[reads.one]\npath = '/'\nshows = '(a)'\n[limits]", "[reads.one]: shows", "one group", "(?P<"),
        ("[limits]", "[wrong.one]\nabout = 'a'\n[limits]", "one = {", "changes nothing", "without_headers"),
        ("[limits]", "[wrong.one]\nabout = 'a'\nage_s = 9\n[limits]", "[wrong.one]: age_s", "another time", "age_s"),
        ("[limits]", "[wrong.one]\nabout = 'a'\nsigned_as = 'b'\n[limits]", "signed_as = 'b'", "no such", "[ident"),
        ("[limits]", "[wrong.one]\nabout = 'a'\npath = '/{x}'\n[limits]", "[wrong.one]: path = 'x'", "such name", ""),
        ("[limits]", "[right.one]\nabout = 'a'\n[limits]", "one = {", "changes nothing", ""),
        ("[limits]", "[right.one]\nabout = 'a'\nid = '{x}'\n[limits]", "[right.one]: id = 'x'", "such name", ""),
        ("[limits]", "[right.one]\nabout = 'a'\nbody_times = 2\n[limits]", "one = {", "no body to repeat", "body"),
        ("[limits]", "[identities.b]\nsource = 'a b'\n[limits]", "[identities.b]: source = 'a b'", "match", "mend"),
        ("[limits]", "[contract]\ntaken_id = 'no'\n[limits]", "[contract]: taken_id = 'no'", "conflict", ""),
        (
            'python = "plain.py:Plain"', "http = { path = '/', body = '{id}' }\n[contract]\ntaken_id = 'conflict'",
            "[contract]: taken_id = 'conflict'", "depends on the id only", "{digest}",
        ),
        # Starts, and what is found in answers.
        ("[limits]", "[starts.one]\nabout = 'a'\n[limits]", "one = {", "changes nothing", "environment"),
        ("[limits]", "[starts.one]\nabout = 'a'\ncommand = ['{py}']\n[limits]", "command[0] = 'py'", "'python'", ""),
        ("[limits]", "[starts.one]\nabout = 'a'\nonly = ['REDIS']\n[limits]", "only = 'REDIS'", "'REDIS_URL'", "write"),
        (
            "[limits]", "[starts.one]\nabout = 'a'\nenvironment = { A = '{REDIS_UR}' }\n[limits]",
            "[starts.one]: A = 'REDIS_UR'", "closest valid: 'REDIS_URL'", "write",
        ),
        (TWO_HUNDRED, f"{TWO_HUNDRED}\ndated = 'at'", "dated = 'at'", "no group named time", "(?P<time>"),
        # Names of other tables.
        ('profile = "all"', 'profile = "al"', "default_profile = 'al'", "closest valid: 'all'", "write 'all'"),
        (WITHOUT, '"pool.pong"', "[profiles.bare]: without = 'pool.pong'", "closest valid: 'pool.ping'", "write"),
        (WITHOUT, '"pool.ping:eagre"', "[profiles.bare]: without", "closest valid: 'pool.ping:eager'", "write"),
        (WITHOUT, '"retry:eager"', "[profiles.bare]: without", "no such variant", "write 'retry'"),
        ('link = "postgres"', 'link = "redis"', "[stored]: link = 'redis'", "not a database", "postgres"),
        ('link = "postgres"', 'link = "postgers"', "[stored]: link", "closest valid: 'postgres'", "write"),
        ("{redis.url}", "{redis.ulr}", "[service]: REDIS_URL = 'redis.ulr'", "closest valid: 'redis.url'", "write"),
        ("{redis.url}", "{redis.owner}", "[service]: REDIS_URL = 'redis.owner'", "such name", "redis"),
        ("{postgres.url}", "{postgres.urll}", "[service]: command[3] = ", "closest valid: 'postgres.url'", "write"),
        ("{postgres.host}", "{postgres.hots}", "[service]: prepare[3] = ", "closest valid: 'postgres.host'", "write"),
        ("[limits]", "[health]\nalive_needs = ['redi']\n[limits]", "alive_needs = 'redi'", "no such link", "'redis'"),
        ("[limits]", "[health]\nready_needs = ['redis']\n[limits]", "[health]: ready_needs", "no path", "ready = "),
        ("[limits]", "[health]\ntells_away = '{link}'\n[limits]", "[health]: tells_away", "no path", "ready = "),
        # Servers.
        (REDIS, f"{REDIS}\n{TWO}\n{ALSO}\n{TWO}", "[links.also]: server = 'two'", "speaks redis", "[links.also]"),
        (REDIS, f"{REDIS}\nserver = 'postgres'", "[links.redis]: server = 'postgres'", "already in use", "another"),
        (REDIS, f"{REDIS}\nserver = 'relay'", "[links.redis]: server = 'relay'", "already in use", "another"),
        (REDIS, f"{REDIS}\n[servers.rediss]", "[servers]: name = 'rediss'", "closest valid: 'redis'", "write 'redis'"),
        ("[links.redis]", f"[servers.redis]\nsetings = {{}}\n{LINK}", "[servers.redis]: setings", "'settings'", ""),
        ("[links.redis]", f"[servers.postgres]\nfsync = 2\n{LINK}", "[servers.postgres]: fsync", "boolean", "mend"),
        ("[links.redis]", f"{ALSO}\nremembers = '{{id}}'\n{LINK}", "[links.also]: remembers", "cannot", "take"),
        ("[links.redis]", f"{ALSO}\nremembers_s = 5\n{LINK}", "[links.also]: remembers_s", "no time to", "take it out"),
        # TLS.
        (REDIS, f"{REDIS}\ntls = 1", "[links.redis]: tls = 1", "needs true or false", "write true or false"),
        (REDIS, f"{REDIS}\ntls = 'required'", "tls = 'required'", "needs true or false", "write true or false"),
        (REDIS, f"{REDIS}\nname = 'Cache_1'", "name = 'Cache_1'", "not a host name", "such as db.test"),
        (REDIS, f"{REDIS}\nname = 'cache.local'", "name = 'cache.local'", "do not ask a", "ends with .test"),
        ("{redis.url}", "{redis.named_url}", "REDIS_URL = 'redis.named_url'", "such name", "write"),
        (REDIS, f"{REDIS}\ntsl = true", "[links.redis]: tsl = True", "closest valid: 'tls'", "write 'tls'"),
        ("{redis.url}", "{redis.ca_file}", "REDIS_URL = 'redis.ca_file'", "not use", "add tls = true to [links.redis]"),
        ("{postgres.url}", "{postgres.ca_file}", "command[3] = ", "not use", "add tls = true to [links.postgres]"),
        ("{source}:{id}", "{source}:{name}", "[links.redis]: remembers = 'name'", "such name", "one of: id"),
        # Senders.
        (PYTHON, "", "sender = {}", "one of python and http is needed", "give python"),
        (PYTHON, f'{PYTHON}\nhttp = {{ path = "/" }}', "sender = {", "one of python and http", "give python"),
        (PYTHON, 'http = { path = "/a", header = {} }', "[sender.http]: header", "closest valid: 'headers'", "write"),
        (PYTHON, 'http = { path = "a" }', "[sender.http]: path = 'a'", "begins with /", "write /a"),
        (PYTHON, 'http = { path = "/{idd}" }', "[sender.http]: path = 'idd'", "closest valid: 'id'", "write"),
        (PYTHON, 'http = { path = "/", headers = { a = "{x}" } }', "headers.a = 'x'", "such name", "use one of"),
        (PYTHON, 'http = { path = "/", body = "{text}" }', "[sender.http]: body = 'text'", "such name", "use one of"),
        ("plain.py:Plain", "plane.py:Plain", "[sender]: python", "closest valid: 'plain.py:Plain'", "write"),
        ("plain.py:Plain", "none/a.py:Plain", "[sender]: python", "there is no such file", "beside the description"),
        ("plain.py:Plain", "plain.py:Plan", "[sender]: python", "closest valid: 'plain.py:Plain'", "write"),
        ("plain.py:Plain", "plain.py", "[sender]: python", "the file has no such class", "plain.py:Plain"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told(tmp_path: Path, old: str, new: str, told_at: str, problem: str, mend: str) -> None:
    message, hint = told(write(tmp_path, changed(old, new)))
    assert told_at in message
    assert problem in message
    assert mend in hint
    assert "Value error" not in message


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
    path = write(tmp_path, sender=sender)
    with pytest.raises(UsageError) as caught:
        load_target(path)
    assert caught.value.message.startswith(f"{path}: [sender]: python = 'plain.py:Plain': ")
    assert told in caught.value.message
    assert mend in caught.value.hint


def test_a_sender_that_raised_leaves_no_module_behind(tmp_path: Path) -> None:
    path = write(tmp_path, changed("plain.py:Plain", "broken.py:Plain"))
    (tmp_path / "broken.py").write_text("raise LookupError", "utf-8")
    with pytest.raises(UsageError):
        load_target(path)
    assert "harness_sender_broken" not in sys.modules


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"schema = ", "not TOML: Invalid value"),
        (b"a = 1\na = 2", "not TOML: Cannot overwrite a value"),
        (b"\x00\x01", "not TOML"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b"a = " + b"[" * 100_000, "not TOML: maximum recursion depth"),
    ],
    ids=["no value", "a key twice", "control characters", "not UTF-8", "nested too deeply"],
)
def test_files_that_are_none(tmp_path: Path, content: bytes, told: str) -> None:
    path = tmp_path / "target.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=re.escape(told)) as caught:
        load_target(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_an_empty_file_lacks_what_is_needed(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"schema = None: this key is missing \(and 6 more\)"):
        load_target(write(tmp_path, ""))


def test_a_missing_file_is_told_with_those_that_are_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="there is no such file") as caught:
        load_target(Path("suite/targt.toml"))
    assert caught.value.hint == "name a target description in TOML, or create one: `harness init`"
    (tmp_path / "suite").mkdir()
    write(tmp_path / "suite")
    with pytest.raises(UsageError, match=r"closest valid: 'suite/target\.toml'"):
        load_target(Path("suite/targt.toml"))


def test_a_directory_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read: .*Is a directory") as caught:
        load_target(tmp_path)
    assert caught.value.hint == "name a target description in TOML, or create one: `harness init`"


BOTH = '[stored]\nlisted = { path = "/kept", each = "(?P<id>.)(?P<body>.)(?P<digest>.)" }\n'
STORED, ROWS = "[stored]\n", 'sql = "SELECT id, digest FROM a"\n'
METRICS = 'metrics = "/metrics"\n'


@pytest.mark.parametrize(
    ("table", "place", "problem"),
    [
        ('[secrets]\nsettings = ["REDIS_UR"]\n', "[secrets]: settings = 'REDIS_UR'", "closest valid: 'REDIS_URL'"),
        ("[secrets.parts]\nREDIS_URL = '(?P<secret>x)'\n", "REDIS_URL", "it is not one of `settings`"),
        ("[secrets]\nsettings = ['REDIS_URL']\nparts = { REDIS_URL = 'x' }\n", "REDIS_URL", "has no group 'secret'"),
        ("[residue]\nthread = 1\n", "[residue]: thread = 1", ", threads"),
        ("[log.tells]\nrefused = 'refused'\n", "[log.tells]: refused = 'refused'", "has no group named id"),
        ("[log.tells]\nrefuse = '(?P<id>.)'\n", "[log.tells.refuse]: name = 'refuse'", "closest valid: 'refused'"),
        ('[stored]\nread = "kept"\n', "[stored]: read = 'kept'", "no such read"),
        ('[stored]\nlisted = { path = "/kept", each = "(?P<d>.)" }\n', "[stored.listed]: each", "needs a group id"),
        (
            '[stored]\nlisted = { path = "/kept", each = "(?P<id>.)" }\n',
            "stored = ",
            "finds no body, and digests is not",
        ),
        (BOTH, "[stored.listed]: each", "has two groups that show the body"),
        ("[stored]\n", "stored = {}", "exactly one way to list what is stored, not 0"),
        ('[effects.outbox]\nlink = "redis"\nsql = "x"\n', "[effects.outbox]: link = 'redis'", "not a database"),
        ("[effects.sent]\ncalls = '(?P<id>.)'\n", "[effects.sent]: link = 'postgres'", "its calls cannot be listed"),
        ("[effects.sent]\ncalls = '(?P<i>.)'\n", "[effects.sent]: calls", "has no group named id"),
        ("[effects.sent]\n", "[effects]: sent = {}", "give exactly one of sql and calls"),
        ("[effects.sent]\ncalls = '(?P<id>.)'\nsources = true\n", "sources = True", "calls have no sources"),
    ],
)
def test_what_a_service_owes_is_checked(tmp_path: Path, table: str, place: str, problem: str) -> None:
    owed = table if table.startswith(STORED) else f"{table}{STORED}{ROWS}"
    message, _ = told(write(tmp_path, changed(f'{STORED}link = "postgres"\n{ROWS}', owed)))
    assert place in message
    assert problem in message


def test_metrics_of_connections_need_a_place_to_read_them(tmp_path: Path) -> None:
    text = changed(REDIS, f'{REDIS}\ntold_by = ["in_use"]')
    assert load_target(write(tmp_path, text)).description.links["redis"].told_by
    begin, end = text.index("[probes]"), text.index("[", text.index("[probes]") + 1)
    message, hint = told(write(tmp_path, text[:begin] + text[end:]))
    assert "[links.redis]: told_by = ['in_use']: there is no [probes]" in message
    assert "add [probes]" in hint


def test_a_counter_is_a_series(tmp_path: Path) -> None:
    counts = "counts = { refused = 'total{outcome=refused}' }\n"
    message, hint = told(write(tmp_path, changed(METRICS, METRICS + counts)))
    assert "[probes.counts]: refused = 'total{outcome=refused}': not a series of a metric" in message
    assert hint == 'write a name, or name{label="value"}'
