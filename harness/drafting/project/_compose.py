"""Reads a compose file: which of its services is under test, how it is started, and which servers it uses."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from harness.errors import UsageError
from harness.protocols.contract.about import ABOUT, receiving
from harness.protocols.registry import PROTOCOLS

NAMES = ("compose.yaml", "compose.yml", "docker-compose.yaml", "docker-compose.yml")
PORT = "{service.port}"
PORT_NAME = "PORT"
TODO = "TODO"
VARIABLE = re.compile(r"\$\{(\w+)(?::?[-](?P<default>[^}]*)|:?\?[^}]*)?\}|\$(\w+)")
URL = re.compile(r"(?P<scheme>[a-z][\w+.-]*)://(?:[^@/\s]*@)?(?P<host>[\w.-]+)(?::\d+)?(?P<rest>[/?]\S*)?")
PROBED = re.compile(r"https?://(?:localhost|127\.0\.0\.1|0\.0\.0\.0)(?::\d+)?(/[\w/.-]+)")
BEFORE_MIGRATING = re.compile(r"\b(?:migrate|migrations?|upgrade|db:|prisma|setup|init)\b", re.IGNORECASE)
"""A command that makes tables, and ends."""
SETTING = r"(?:^|_){word}$"
PARTS: Mapping[str, str] = {
    "user": "USER|USERNAME|LOGIN", "password": "PASSWORD|PASS|PASSWD|PW",
    "database": "DATABASE|DBNAME|DB_NAME|NAME|DB|POSTGRES_DB", "port": "PORT",
}  # fmt: skip
"""The part of a server's address that a setting contains, by the end of its name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """The facts of a compose file. `environment`: the service's settings in the form of the target."""

    file: str
    service: str
    folder: str = "."
    """The folder that it is built from, relative to the compose file. The service is started there."""
    command: Sequence[str] = ()
    prepare: Sequence[str] = ()
    alive: str = ""
    links: Sequence[str] = ()
    stubs: Sequence[str] = ()
    """The names of the other services in the file that it calls over HTTP, as links are named."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _File:
    folder: Path
    name: str
    services: Mapping[str, Mapping[str, Any]]
    variables: Mapping[str, str]
    """The variables in `.env` beside it."""

    def servers(self) -> Mapping[str, str]:
        """The protocol of each server in it, by the server's name."""
        found = {name: _protocol_of(str(each.get("image", ""))) for name, each in self.services.items()}
        return {name: protocol for name, protocol in found.items() if protocol is not None}

    def filled(self, text: object) -> str:
        """The text with its variables filled in; an unknown one becomes a TODO."""
        if isinstance(text, bool):
            return str(text).lower()
        return VARIABLE.sub(self._variable, "" if text is None else str(text))

    def _variable(self, match: re.Match[str]) -> str:
        name = match[1] or match[3]
        if name == PORT_NAME:
            return PORT
        known = self.variables.get(name)
        return known if known is not None else match["default"] if match["default"] is not None else TODO


def composed(folder: Path) -> Composed | None:
    """Read the folder's compose file; None without one, or if none of its services is the project's own.

    Raises:
        UsageError: it cannot be read.
    """
    path = next((folder / name for name in NAMES if (folder / name).is_file()), None)
    if path is None:
        return None
    try:
        read = yaml.safe_load(path.read_text("utf-8"))
        services = {str(name): each for name, each in read["services"].items() if isinstance(each, dict)}
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as problem:
        mend = "fix it, or pass the command: --command"
        raise UsageError(f"{path}: cannot be read: {type(problem).__name__}: {problem}", hint=mend) from problem
    file = _File(folder, path.name, services, _dotenv(folder / ".env"))
    servers = file.servers()
    own = {name: each for name, each in services.items() if name not in servers}
    if not own:
        return None
    name = max(own, key=lambda name: _likeness(own[name]))  # the first of several equally likely ones
    return _composed(file, name, own)


def _likeness(service: Mapping[str, Any]) -> tuple[bool, bool, bool]:
    """The service under test is built from this project, and can be reached."""
    return "ports" in service, "build" in service, "expose" in service or "healthcheck" in service


def _composed(file: _File, name: str, own: Mapping[str, Mapping[str, Any]]) -> Composed:
    service, servers = own[name], file.servers()
    port = _port(service)
    commands = _commands(file, service)
    others = [file.services[each] for each in own if each != name and _runs_before(service, each)]
    prepare = next((words for each in others for words in _commands(file, each) if words), [])
    if len(commands) > 1 and BEFORE_MIGRATING.search(" ".join(commands[0])):
        prepare = commands[0]
    environment, used = _environment(file, service, servers, port)
    called = {link: f"{{{link}.url}}" for link in map(_link_name, own) if link != _link_name(name)}
    environment = {key: _calling(text, called) for key, text in environment.items()}
    told = PROBED.search(json.dumps(service.get("healthcheck", {})))
    return Composed(
        file=file.name,
        service=name,
        folder=str(Path(_built_from(service)[0])),
        command=[_with_port(word, port) for word in commands[-1]] if commands else (),
        prepare=prepare,
        alive=told[1] if told else "",
        links=[each for each in PROTOCOLS if each in used],
        stubs=[link for link, url in called.items() if any(url in text for text in environment.values())],
        environment=environment,
    )


def _link_name(service: str) -> str:
    """The name of a link to another service of the file: `card_payments` of `card-payments`."""
    return re.sub(r"[^a-z0-9_.]", "_", service.lower()).lstrip("_.0123456789")


def _calling(text: str, called: Mapping[str, str]) -> str:
    """The text with the URL of a link, if it is the URL of another service of the file, with a protocol of calls."""
    url = URL.fullmatch(text)
    place = called.get(_link_name(url["host"])) if url is not None and url["scheme"] in receiving() else None
    return text if url is None or place is None else place + (url["rest"] or "").rstrip("/")


def _runs_before(service: Mapping[str, Any], other: str) -> bool:
    awaited = service.get("depends_on")
    awaited = awaited.get(other) if isinstance(awaited, dict) else None
    return isinstance(awaited, dict) and awaited.get("condition") == "service_completed_successfully"


def _commands(file: _File, service: Mapping[str, Any]) -> list[list[str]]:
    """The commands of a service, one after another: a shell's `a && b` is two."""
    told = service.get("command") or _in_dockerfile(file, service)
    if not told:
        return []
    words = [file.filled(word) for word in told] if isinstance(told, list) else shlex.split(file.filled(told))
    if len(words) >= 3 and Path(words[0]).name in {"sh", "bash"} and words[1] in {"-c", "-lc", "-ec"}:
        words = shlex.split(words[2])
    if "wait" in words[0] and "--" in words:  # wait-for-it.sh and its kin: the harness's servers are there
        words = words[words.index("--") + 1 :]
    commands: list[list[str]] = [[]]
    for word in words:
        bare = word.rstrip(";")
        if bare and word not in {"&&", "exec"}:
            commands[-1].append(bare)
        if word == "&&" or word.endswith(";"):
            commands.append([])
    return [each for each in commands if each]


def _in_dockerfile(file: _File, service: Mapping[str, Any]) -> list[str] | str | None:
    """The command that its own image starts: the last CMD, after the ENTRYPOINT if that is a list."""
    if "build" not in service:
        return None
    path = file.folder.joinpath(*_built_from(service))
    if not path.is_file():
        return None
    text = path.read_text("utf-8", "replace").replace("\\\n", " ")
    found = {key: value.strip() for key, value in re.findall(r"^(CMD|ENTRYPOINT)\s+(.*)$", text, re.MULTILINE)}
    entry, command = (_exec_form(found.get(key, "")) for key in ("ENTRYPOINT", "CMD"))
    if isinstance(entry, list) and isinstance(command, list) and not any(word.endswith(".sh") for word in entry):
        return [*entry, *command]
    return command or entry or None


def _built_from(service: Mapping[str, Any]) -> tuple[str, str]:
    """The folder that a service's image is made from, and its Dockerfile there."""
    build = service.get("build", ".")
    if isinstance(build, dict):
        return str(build.get("context", ".")), str(build.get("dockerfile", "Dockerfile"))
    return str(build), "Dockerfile"


def _exec_form(text: str) -> list[str] | str:
    try:
        return [str(word) for word in json.loads(text)]
    except (ValueError, TypeError):
        return text


def _port(service: Mapping[str, Any]) -> str:
    """The port in the container, of the first that it publishes."""
    for each in [*service.get("ports", []), *service.get("expose", [])]:
        told = each.get("target") if isinstance(each, dict) else str(each).partition("/")[0].rpartition(":")[2]
        if str(told).isdigit():
            return str(told)
    return ""


def _with_port(word: str, port: str) -> str:
    """The word with the harness's port for its own, and listening for this machine only."""
    if port:
        word = re.sub(rf"(?<![\d.]){port}(?!\d)", PORT, word)
    return word.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - to be replaced


def _environment(
    file: _File, service: Mapping[str, Any], servers: Mapping[str, str], port: str
) -> tuple[Mapping[str, str], set[str]]:
    """The service's settings, with placeholders for its servers, and which protocols these speak."""
    told: dict[str, str] = {}
    files = service.get("env_file") or []
    for each in [files] if isinstance(files, str | dict) else files:
        told |= _dotenv(file.folder / str(each.get("path") if isinstance(each, dict) else each))
    given = service.get("environment") or {}
    pairs = given.items() if isinstance(given, dict) else (str(each).partition("=")[::2] for each in given)
    told |= {str(key): file.filled(value) for key, value in pairs}
    used: set[str] = set()
    settings = {key: _setting(key, text, told, servers, used) for key, text in told.items()}
    is_port = {key for key, text in settings.items() if key == PORT_NAME or (port and text == port)}
    return {key: PORT if key in is_port else text for key, text in settings.items()}, used


def _setting(key: str, text: str, told: Mapping[str, str], servers: Mapping[str, str], used: set[str]) -> str:
    url = URL.fullmatch(text)
    if url is not None and url["host"] in servers:
        protocol = servers[url["host"]]
        used.add(protocol)
        return _url(protocol, url)
    if text in servers:
        used.add(servers[text])
        return f"{{{servers[text]}.host}}"
    for server, protocol in servers.items():
        prefix = _told_host(told, server)
        if prefix is None or not key.startswith(prefix):
            continue
        for part, words in PARTS.items():
            if part in ABOUT.of(protocol).placeholders and re.search(SETTING.replace("{word}", f"(?:{words})"), key):
                return f"{{{protocol}.{part}}}"
    return text


def _told_host(told: Mapping[str, str], server: str) -> str | None:
    """What the settings of a server's address begin with: `DB_` of `DB_HOST`; None if no setting is its host alone."""
    return next((re.sub(r"[A-Z]*$", "", key) for key, text in told.items() if text == server), None)


def _url(protocol: str, url: re.Match[str]) -> str:
    """The URL with the harness's server. A scheme such as `postgresql+asyncpg` stays."""
    about, query = ABOUT.of(protocol), (url["rest"] or "").partition("?")[2]
    more = f"?{query}" if query else ""
    if "+" not in url["scheme"]:
        return f"{{{protocol}.url}}{more}"
    login = f"{{{protocol}.user}}:{{{protocol}.password}}@" if "password" in about.placeholders else ""
    path = f"/{{{protocol}.database}}" if "database" in about.placeholders else ""
    return f"{url['scheme']}://{login}{{{protocol}.host}}:{{{protocol}.port}}{path}{more}"


def _protocol_of(image: str) -> str | None:
    """The protocol of an image's server, by the last word of its name."""
    name = image.partition("@")[0].rpartition("/")[2].partition(":")[0]
    return next((each for each in PROTOCOLS if name in ABOUT.of(each).images), None)


def _dotenv(path: Path) -> Mapping[str, str]:
    if not path.is_file():
        return {}
    return dict(_assignments(path.read_text("utf-8", "replace")))


def _assignments(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        match = re.match(r"\s*(?:export\s+)?(\w+)\s*=\s*(.*?)\s*$", line)
        if match:
            yield match[1], match[2].strip("\"'")
