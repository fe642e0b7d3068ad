"""Finds out how a project's service is started and what it talks to, by its files alone. Nothing is run."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.documents import read_toml
from harness.drafting.project._routes import routes
from harness.errors import UsageError
from harness.protocols.contract.about import ABOUT
from harness.protocols.registry import PROTOCOLS

SOURCES = (".py", ".js", ".mjs", ".ts", ".go", ".rb", ".java", ".kt", ".rs", ".php", ".sql", ".env", ".yaml", ".yml")
LEFT_OUT = {"node_modules", "vendor", "target", "dist", "build", "tests", "test", "scenarios", "docs", "__pycache__"}
FILES_MAX = 2000
FILE_BYTES_MAX = 200_000
PORT = "{service.port}"
ASGI = re.compile(r"^(\w+)(?:: \w+)? *= *(?:FastAPI|Starlette|Litestar|Quart)\(", re.MULTILINE)
WSGI = re.compile(r"^(\w+) *= *Flask\(", re.MULTILINE)
TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?[\"`]?(\w+)", re.IGNORECASE)
KEY = r"CREATE TABLE (?:IF NOT EXISTS )?[\"`]?{table}[\"`]?\s*\([^;]*?[\"`]?\b(\w+)[\"`]?\s+[^,;()]*?PRIMARY KEY"
MIGRATES = ("migrate.py", "migrations.py", "init_db.py", "create_tables.py")
"""Programs that make a service's tables."""
READY = re.compile(r"[\"'](/(?:readyz?|readiness))[\"']")
ALIVE = re.compile(r"[\"'](/(?:healthz?|alive|livez|ping|status|healthcheck))[\"']")
SETTING = r"\b((?:[A-Z0-9]+_)*{word}(?:_[A-Z0-9]+)*_(?:URL|URI|DSN))\b"
DATABASE = "(?:DATABASE|DB)"
PORT_SETTING = re.compile(r"[\"'{.\[]PORT\b")
UNHANDLED: Mapping[str, str] = {".py": "^Traceback", ".go": "^panic|goroutine \\d+ \\[running\\]"}
"""How a language tells of an error that nothing has handled, by the ending of its files."""
OF_OTHERS = "Unhandled|Uncaught|Exception in"
DELIVER = re.compile(r"(POST|PUT|PATCH) (/\S*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the user has said: it outranks what is found. None: not said."""

    command: str | None = None
    prepare: str | None = None
    alive: str | None = None
    deliver: str | None = None
    stored: str | None = None
    links: Mapping[str, str] | None = None
    """The setting that has the URL, by protocol."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """What is known of a project. An empty value is not known. `whence`: which file told each, for the user."""

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
    port_setting: bool = False
    requirements: str = ""
    whence: Mapping[str, str] = field(default_factory=dict)


def found(folder: Path, asked: Asked) -> Project:
    """Look through a project's files. Raises UsageError for a flag that does not fit."""
    texts = dict(_texts(folder))
    started = _started(folder, texts)
    command = shlex.split(asked.command) if asked.command else started.command
    served = routes(texts)
    method, path = (served.method, served.path) if asked.deliver is None else _delivery(asked.deliver)
    alive, alive_in = _first(ALIVE, texts)
    ready, ready_in = _first(READY, texts)
    table, table_in = _first(TABLE, texts)
    prepare, prepare_in = _prepared(folder, started, texts)
    endings = {Path(name).suffix for name in texts}
    links, links_in = _links(texts)
    whence = {
        "command": started.whence,
        "alive": alive_in,
        "ready": ready_in,
        "delivery": served.path_in if asked.deliver is None else "",
        "stored": table_in,
        "prepare": prepare_in,
        "links": links_in,
    }
    return Project(
        name=re.sub(r"[^a-z0-9_.]+", "_", folder.resolve().name.lower()).lstrip("_.0123456789") or "service",
        command=command,
        prepare=shlex.split(asked.prepare) if asked.prepare else prepare,
        alive=asked.alive or alive,
        ready=ready,
        method=method,
        path=path,
        read=served.read if asked.deliver is None else "",
        sql=asked.stored or (_listing(table, texts) if table else ""),
        unhandled=next((UNHANDLED[each] for each in UNHANDLED if each in endings), OF_OTHERS),
        links=links if asked.links is None else asked.links,
        port_setting=not any(PORT in word for word in command) and _first(PORT_SETTING, texts)[1] != "",
        requirements="requirements.txt" if (folder / "requirements.txt").is_file() else "",
        whence={key: file for key, file in whence.items() if file},
    )


def protocols() -> tuple[str, ...]:
    """The protocols whose servers the harness starts for a service without being told more."""
    return tuple(name for name in PROTOCOLS if ABOUT.of(name).stores or ABOUT.of(name).remembers)


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


def _first(pattern: re.Pattern[str], texts: Mapping[str, str]) -> tuple[str, str]:
    """What the pattern finds first, and in which file."""
    for name, text in texts.items():
        match = pattern.search(text)
        if match is not None:
            return match[1] if pattern.groups else match[0], name
    return "", ""


@dataclass(frozen=True, slots=True)
class _Started:
    command: Sequence[str] = ()
    whence: str = ""
    prepare: Sequence[str] = ()


def _started(folder: Path, texts: Mapping[str, str]) -> _Started:
    for look in (_procfile, _django, _python, _script, _node, _go):
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
    return _Started(words, "Procfile", shlex.split(lines.get("release", "")))


def _django(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    del texts
    if not (folder / "manage.py").is_file():
        return None
    manage = [_python_of(folder), "manage.py"]
    command = [*manage, "runserver", "--noreload", f"127.0.0.1:{PORT}"]
    return _Started(command, "manage.py", [*manage, "migrate"])


def _python(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    sources = {name: text for name, text in texts.items() if name.endswith(".py")}
    application, file = _first(ASGI, sources)
    if application:
        words = ["-m", "uvicorn", f"{_module(file)}:{application}", "--port", PORT]
        return _Started([_python_of(folder), *words], file)
    application, file = _first(WSGI, sources)
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
    file = folder / "package.json"
    if not file.is_file():
        return None
    try:
        script = json.loads(file.read_text("utf-8")).get("scripts", {}).get("start", "")
    except (ValueError, AttributeError) as problem:
        raise UsageError(
            f"{file}: cannot be read: {problem}", hint="mend it, or name the command: --command"
        ) from problem
    return _Started(shlex.split(script), file.name) if script else None


def _go(folder: Path, texts: Mapping[str, str]) -> _Started | None:
    del texts
    if not (folder / "go.mod").is_file():
        return None
    return _Started([f"./{folder.resolve().name}"], "go.mod")


def _python_of(folder: Path) -> str:
    """The Python that has what the service needs: that of the project's own environment, if it has one."""
    return next(
        (f"./{name}" for name in (".venv/bin/python", "venv/bin/python") if (folder / name).exists()), "{python}"
    )


def _module(file: str) -> str:
    return ".".join(Path(file).with_suffix("").parts)


def _listing(table: str, texts: Mapping[str, str]) -> str:
    """Lists the table by its key, whatever that is called."""
    key, _ = _first(re.compile(KEY.replace("{table}", table), re.IGNORECASE), texts)
    named = "id" if key.lower() in {"", "id"} else f"{key} AS id"
    return f"SELECT {named} FROM {table}"  # noqa: S608  # text for the user's file


def _prepared(folder: Path, started: _Started, texts: Mapping[str, str]) -> tuple[Sequence[str], str]:
    if started.prepare:
        return started.prepare, started.whence
    if (folder / "alembic.ini").is_file():
        return [_python_of(folder), "-m", "alembic", "upgrade", "head"], "alembic.ini"
    file = next((name for name in texts if Path(name).name in MIGRATES and "__main__" in texts[name]), "")
    return ([_python_of(folder), "-m", _module(file)], file) if file else ((), "")


def _links(texts: Mapping[str, str]) -> tuple[Mapping[str, str], str]:
    """The setting that has the URL of each server, by protocol, and the files that told them."""
    links, files = {}, []
    for protocol in protocols():
        words = [protocol.upper(), *([DATABASE] if ABOUT.of(protocol).stores else [])]
        for word in words:
            setting, file = _first(re.compile(SETTING.replace("{word}", word)), texts)
            if setting:
                links[protocol] = setting
                files.append(file)
                break
    return links, ", ".join(dict.fromkeys(files))


def _delivery(said: str) -> tuple[str, str]:
    match = DELIVER.fullmatch(said)
    if match is None:
        mend = "write --deliver 'POST /orders/{id}'"
        raise UsageError.at("command line", "--deliver", said, "not a method and a path", mend=mend)
    return match[1], match[2]
