"""Finds out from a project's files how its service is started and which servers it uses. Nothing is run."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.documents import read_toml
from harness.drafting.project._compose import PORT, Composed, composed
from harness.drafting.project._django_models import django_listing
from harness.drafting.project._go import program_of
from harness.drafting.project._health import alive_path, ready_path
from harness.drafting.project._node import PACKAGE, SHELL, scripts_of, unwrapped
from harness.drafting.project._routes import routes, trees_of
from harness.drafting.project._rust import program_of as program_of_rust
from harness.drafting.project._tables import listing, lists_uuids, table_of
from harness.drafting.project._texts import first
from harness.errors import UsageError
from harness.protocols.contract.about import ABOUT
from harness.protocols.registry import PROTOCOLS

SOURCES = (".py", ".js", ".mjs", ".ts", ".go", ".rb", ".java", ".kt", ".rs", ".php", ".sql", ".env", ".yaml", ".yml")
LEFT_OUT = {"node_modules", "vendor", "target", "dist", "build", "tests", "test", "scenarios", "docs", "__pycache__"}
FILES_MAX = 2000
FILE_BYTES_MAX = 200_000
ASGI = re.compile(r"^(\w+)(?:: \w+)? *= *(?:FastAPI|Starlette|Litestar|Quart)\(", re.MULTILINE)
WSGI = re.compile(r"^(\w+) *= *(?:Flask|create_app)\(", re.MULTILINE)
GUNICORN = "gunicorn.conf.py"
MIGRATES = ("migrate.py", "migrations.py", "init_db.py", "create_tables.py")
RUNS = re.compile(r"__main__|^(?:with |\w+ *= *)[^\n]*\bconnect\(", re.MULTILINE)
"""A module that does something when it is run."""
NODE_MIGRATES = ("migrate.js", "migrate.mjs")
"""Programs that make a service's tables."""
MIGRATE = re.compile(
    r"(?:(?:os\.Args\[1\]|process\.argv\[2\]|sys\.argv\[1\]) *={2,3} *|\bnth\(1\)[^\n]{0,30}?Some\("
    r"|\b\w+\[0\]\.equals\()"
    r"[\"'](\w*migrate\w*)[\"']"
)
"""A program that makes its own tables when its first argument says so."""
COMPILED = (".go", ".rs", ".java")
SETTING = r"\b((?:[A-Z0-9]+_)*{word}(?:_[A-Z0-9]+)*_(?:URL|URI|DSN))\b"
DATABASE = "(?:DATABASE|DB)"
DJANGO_URL = re.compile(r"\bdj_database_url\.config\(|\benv\.db\(\s*\)")
"""Calls that read DATABASE_URL without naming it."""
PORT_SETTING = re.compile(r"[\"'{.\[]PORT\b")
UNHANDLED: Mapping[str, str] = {
    ".py": (
        "Exception in (ASGI|WSGI|thread)|(Task|GatheringFuture) exception was never retrieved"
        "|Exception on /|Internal Server Error: /|Error handling request|Exception ignored"
    ),
    ".rs": "panicked at",
    ".go": "^panic|goroutine \\d+ \\[running\\]",
    **dict.fromkeys((".js", ".mjs", ".ts"), "^Node\\.js v\\d|Unhandled|Uncaught"),
}
"""The text by which a language reports an unhandled error, by the ending of its files.

A traceback alone does not show that, because services also log handled errors with one. A future whose exception was
never retrieved does not show it either: asyncpg leaves one behind when a connect is cancelled.
"""
OF_OTHERS = "Unhandled|Uncaught|Exception in"
PYTHON_PROGRAMS = {"uvicorn", "gunicorn", "hypercorn", "granian", "flask", "alembic", "fastapi", "daphne", "waitress"}
RELOADS = {"--reload", "--debug"}
"""Programs that restart the service when a file changes, in a process that the harness does not watch."""
JSONB = re.compile(r"\bjsonb\b", re.IGNORECASE)
PLAIN_BODY = '{"id": "{id}", "content": "{digest}"}'
"""Without the texts that PostgreSQL's `jsonb` refuses (NUL, lone surrogates)."""
DELIVER = re.compile(r"(POST|PUT|PATCH) (/\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The user's own values. They override what was found. None: not said."""

    command: str | None = None
    prepare: str | None = None
    alive: str | None = None
    deliver: str | None = None
    stored: str | None = None
    links: Mapping[str, str] | None = None
    """The setting that has the URL, by protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is known about a project. An empty value is unknown. `whence`: the file of each value, for the user."""

    name: str
    command: Sequence[str] = ()
    prepare: Sequence[str] = ()
    alive: str = ""
    ready: str = ""
    method: str = "POST"
    path: str = ""
    read: str = ""
    """The path that shows one delivery."""
    sql: str = ""
    unhandled: str = OF_OTHERS
    links: Mapping[str, str] = field(default_factory=dict)
    """The setting that has the URL, by protocol; empty where `environment` has it."""
    folder: str = "."
    """The folder in which it is started, relative to the project's folder."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Its settings from a compose file, with placeholders."""
    stubs: Sequence[str] = ()
    """The names of the services that it calls over HTTP, in a compose file."""
    repeat: str = ""
    """The status by which the service says that a delivery is stored already."""
    changes: Sequence[str] = ()
    """The methods that change or remove what `read` shows."""
    body: str = ""
    """The body of a delivery, with `{id}`."""
    id_header: str = ""
    """The header that has a delivery's id."""
    port_setting: bool = False
    requirements: str = ""
    whence: Mapping[str, str] = field(default_factory=dict)


def found(folder: Path, asked: Asked) -> Project:
    """Look through a project's files. Raises UsageError for a flag that does not fit."""
    texts = dict(_texts(folder))
    compose = composed(folder)
    started = _started(folder, texts, compose)
    command = shlex.split(asked.command) if asked.command else started.command
    served = routes(texts)
    method, path = (served.method, served.path) if asked.deliver is None else _delivery(asked.deliver)
    trees = trees_of(texts)
    alive, alive_in = alive_path(texts, trees)
    if not alive and compose is not None and compose.alive:
        alive, alive_in = compose.alive, compose.file
    ready, ready_in = ready_path(texts, trees)
    body = served.body if asked.deliver is None else None
    by_header = served.id_header if asked.deliver is None else ""
    by_name = re.sub(r"\W", "_", by_header)
    of_body = body.id_field if body is not None and not served.parameter else ""  # the path has the id
    named_so = [served.parameter, by_name, of_body] if asked.deliver is None else []
    sql, table_in = _listing(path, [*filter(None, named_so)], texts)
    prepare, prepare_in = _prepared(folder, started, texts)
    endings = {Path(name).suffix for name in texts}
    links, environment, links_in = _settings(texts, compose)
    whence = {
        "command": "" if asked.command else started.whence,
        "alive": "" if asked.alive else alive_in,
        "ready": ready_in,
        "delivery": served.path_in if asked.deliver is None else "",
        "stored": "" if asked.stored else table_in,
        "prepare": "" if asked.prepare else prepare_in,
        "links": links_in if asked.links is None else "",
    }
    id_word = "{uuid}" if asked.deliver is None and lists_uuids(sql, texts) else "{id}"
    plain = PLAIN_BODY if ("{id}" in path or by_header) and first(JSONB, texts)[1] else ""
    return Project(
        name=re.sub(r"[^a-z0-9_.]+", "_", folder.resolve().name.lower()).lstrip("_.0123456789") or "service",
        command=command,
        folder=started.folder,
        prepare=shlex.split(asked.prepare) if asked.prepare else prepare,
        alive=asked.alive or alive,
        ready=ready,
        method=method,
        path=path.replace("{id}", id_word),
        read=served.read.replace("{id}", id_word) if asked.deliver is None else "",
        repeat=served.repeat if asked.deliver is None else "",
        changes=served.changes if asked.deliver is None else (),
        body=(body.text if body else plain).replace("{id}", id_word),
        id_header=by_header,
        sql=asked.stored or sql,
        unhandled=_unhandled(command, endings),
        links=links if asked.links is None else asked.links,
        environment=environment if asked.links is None else {},
        stubs=compose.stubs if compose is not None and asked.links is None else (),
        port_setting=not any(PORT in word for word in command) and first(PORT_SETTING, texts)[1] != "",
        requirements="requirements.txt" if (folder / "requirements.txt").is_file() else "",
        whence={key: file for key, file in whence.items() if file},
    )


def _listing(path: str, id_fields: Sequence[str], texts: Mapping[str, str]) -> tuple[str, str]:
    """The SQL that lists the deliveries, and the file that shows their table."""
    table, file = table_of(path, texts)
    return (listing(table, texts, id_fields), file) if table else django_listing(path, id_fields, trees_of(texts))


def _settings(texts: Mapping[str, str], compose: Composed | None) -> tuple[Mapping[str, str], Mapping[str, str], str]:
    """The links with their settings, the settings of a compose file, and the files that show the links."""
    links, links_in = _links(texts)
    if compose is None:
        return links, {}, links_in
    told = dict.fromkeys(compose.links, "")
    more = {protocol: setting for protocol, setting in links.items() if protocol not in told}
    settings = {name: text for name, text in compose.environment.items() if name not in more.values()}
    return {**told, **more}, settings, compose.file if told else links_in


def protocols() -> tuple[str, ...]:
    """The protocols whose servers the harness can start for a service without further information."""
    return tuple(name for name in PROTOCOLS if ABOUT.of(name).stores or ABOUT.of(name).remembers)


def linkable() -> tuple[str, ...]:
    """The protocols for which the harness has a server. The user may have to install it."""
    return tuple(name for name in PROTOCOLS if ABOUT.of(name).images)


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """The project's own sources, by their names, those nearest the top first."""
    files = [
        path
        for path in folder.rglob("*")
        if (path.suffix in SOURCES or path.name.startswith(".env"))
        and not any(part in LEFT_OUT or part.startswith(".") for part in path.relative_to(folder).parts[:-1])
        and not any((above / "pyvenv.cfg").exists() for above in path.relative_to(folder).parents if above != Path())
    ]
    for path in sorted(files, key=lambda path: (len(path.parts), path))[:FILES_MAX]:
        if path.is_file() and path.stat().st_size <= FILE_BYTES_MAX:
            yield str(path.relative_to(folder)), path.read_text("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class _Started:
    command: Sequence[str] = ()
    whence: str = ""
    prepare: Sequence[str] = ()
    folder: str = "."


def _started(folder: Path, texts: Mapping[str, str], compose: Composed | None) -> _Started:
    started = _procfile(folder, texts) or (None if compose is None else _compose(folder, compose))
    if started is not None:
        return started
    for look in (_django, _python, _script, _node, _go, _cargo):
        started = look(folder, texts)
        if started is not None:
            return started
    return _Started()


def _procfile(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    del texts
    file = folder / "Procfile"
    lines = (
        dict(line.split(":", 1) for line in file.read_text("utf-8").splitlines() if ":" in line)
        if file.is_file()
        else {}
    )
    if "web" not in lines:
        return None
    words = shlex.split(lines["web"].replace("${PORT}", PORT).replace("$PORT", PORT))
    return _Started(_outside(folder, words), "Procfile", _outside(folder, shlex.split(lines.get("release", ""))))


def _compose(folder: Path, compose: Composed) -> _Started | None:
    """The compose file's command, unless it is a file that only its image has."""
    if not compose.command or compose.command[0].startswith("/"):
        return None
    directory = folder / compose.folder
    plain = (unwrapped(directory, words) for words in (compose.command, compose.prepare))
    command, prepare = (_outside(directory, words) for words in plain)
    return _Started(command, compose.file, prepare, compose.folder)


def _outside(directory: Path, words: Sequence[str]) -> Sequence[str]:
    """The command without its image, where Python and its programs are on the path."""
    kept = [word for word in words if word not in RELOADS]
    program = kept[0] if kept else ""
    if re.fullmatch(r"python[\d.]*", program):
        return [_python_of(directory), *kept[1:]]
    return [_python_of(directory), "-m", *kept] if program in PYTHON_PROGRAMS else kept


def _django(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    del texts
    if not (folder / "manage.py").is_file():
        return None
    manage = [_python_of(folder), "manage.py"]
    command = [*manage, "runserver", "--noreload", f"127.0.0.1:{PORT}"]
    return _Started(command, "manage.py", [*manage, "migrate"])


def _python(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    sources = {name: text for name, text in texts.items() if name.endswith(".py")}
    application, file = first(ASGI, sources)
    if application:
        words = ["-m", "uvicorn", f"{_module(file)}:{application}", "--port", PORT]
        return _Started([_python_of(folder), *words], file)
    application, file = first(WSGI, sources)
    if application and GUNICORN in texts:
        bound = [] if PORT_SETTING.search(texts[GUNICORN]) else ["--bind", f"127.0.0.1:{PORT}"]
        return _Started([_python_of(folder), "-m", "gunicorn", f"{_module(file)}:{application}", *bound], GUNICORN)
    if application:
        words = ["-m", "flask", "--app", f"{_module(file)}:{application}", "run", "--port", PORT]
        return _Started([_python_of(folder), *words], file)
    return None


def _script(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    """The only script that a Python project installs."""
    del texts
    file = folder / "pyproject.toml"
    scripts = read_toml(file, mend="").get("project", {}).get("scripts", {}) if file.is_file() else {}
    if len(scripts) != 1:
        return None
    return _Started([_python_of(folder), "-m", str(next(iter(scripts.values()))).partition(":")[0]], file.name)


def _node(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    del texts
    scripts = scripts_of(folder)
    script, prepares = scripts.get("start", ""), scripts.get("migrate", "")
    prepare = [] if SHELL & set(prepares) else shlex.split(prepares)
    return _Started(shlex.split(script), PACKAGE, prepare) if script else None


def _go(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    del texts
    if not (folder / "go.mod").is_file():
        return None
    return _Started([f"./{program_of(folder)}"], "go.mod")


def _cargo(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    del texts
    program = program_of_rust(folder) if (folder / "Cargo.toml").is_file() else ""
    return _Started([program], "Cargo.toml") if program else None


def _python_of(folder: Path) -> str:
    """The Python with the service's requirements: that of the project's own environment, if it has one."""
    return next(
        (f"./{name}" for name in (".venv/bin/python", "venv/bin/python") if (folder / name).exists()), "{python}"
    )


def _module(file: str) -> str:
    return ".".join(Path(file).with_suffix("").parts)


def _prepared(folder: Path, started: _Started, texts: Mapping[str, str]) -> tuple[Sequence[str], str]:
    if started.prepare:
        return started.prepare, started.whence
    if (folder / "alembic.ini").is_file():
        return [_python_of(folder), "-m", "alembic", "upgrade", "head"], "alembic.ini"
    file = next((name for name in texts if Path(name).name in MIGRATES and RUNS.search(texts[name])), "")
    if file:
        return [_python_of(folder), "-m", _module(file)], file
    if [*started.command[:1]] == ["node"] and (Path(started.folder) == Path()):
        script = _node(folder, texts)
        if script is not None and script.prepare:
            return script.prepare, script.whence
        file = next((name for name in texts if Path(name).name in NODE_MIGRATES), "")
        if file:
            return ["node", file], file
    word, file = first(MIGRATE, texts)
    runs_it = Path(file).suffix in COMPILED or any(file == part.removeprefix("./") for part in started.command)
    return ([*started.command, word], file) if word and runs_it else ((), "")


def _links(texts: Mapping[str, str]) -> tuple[Mapping[str, str], str]:
    """The setting with the URL of each server, by protocol, and the files that show them."""
    links, files = {}, []
    for protocol in protocols():
        words = [protocol.upper(), *([DATABASE] if ABOUT.of(protocol).stores else [])]
        for word in words:
            setting, file = first(re.compile(SETTING.replace("{word}", word)), texts)
            if setting:
                links[protocol] = setting
                files.append(file)
                break
    if not links and (file := first(DJANGO_URL, texts)[1]):
        return {next(name for name in protocols() if ABOUT.of(name).stores): "DATABASE_URL"}, file
    return links, ", ".join(dict.fromkeys(files))


def _unhandled(command: Sequence[str], endings: Collection[str]) -> str:
    if [*command[:1]] == ["node"]:  # even if its tools use another language
        return UNHANDLED[".js"]
    return next((UNHANDLED[each] for each in UNHANDLED if each in endings), OF_OTHERS)


def _delivery(said: str) -> tuple[str, str]:
    match = DELIVER.fullmatch(said)
    if match is None:
        mend = "write --deliver 'POST /orders/{id}'"
        raise UsageError.at("command line", "--deliver", said, "not a method and a path", mend=mend)
    return match[1], match[2]
