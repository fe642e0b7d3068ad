"""Reads a target description. Errors name place, key, value, nearest valid one and remedy."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import cast

from harness.documents import check_document, check_schema, read_toml
from harness.errors import UsageError
from harness.protocols.contract.about import ABOUT, receiving, storing
from harness.target.description import SCHEMA, TargetDescription
from harness.target.placeholders import (
    CA_FILE,
    CHANGED_BY,
    GIVEN,
    LINK_AWAY,
    NAME,
    NAMED_URL,
    PLACEHOLDER,
    READ_BY,
    REMEMBERED_BY,
    SERVICE_PORT,
    VERSION,
)
from harness.target.sections.effects import EffectDescription
from harness.target.sections.link import LinkDescription
from harness.target.sections.protections import switched_off
from harness.target.sections.requests import ChangedDescription
from harness.target.sections.residue import OF_PROCESS
from harness.target.sender import BODY_WORDS, TEMPLATE_WORDS, Sender, TemplateSender
from harness.target.servers import servers_of
from harness.target.target import Target

FIRST_SCHEMA = "harness.target/1"
MEND_OF_FIRST = (
    "write [outcomes.acknowledged], [outcomes.refused], ... with a list `status` in place of [answers],"
    " [reads.NAME] with a `path` in place of `read`, and repeat_is_same = true under [contract] where repeats are"
    f" answered alike; then schema = '{SCHEMA}'"
)


def load_target(path: Path) -> Target:
    """Read and check the description at `path`. Raises UsageError."""
    near = sorted(found for found in Path().glob("*/*.toml") if "target" in found.name)
    data = read_toml(path, mend="name a target description in TOML, or create one: `harness init`", near=near)
    if data.get("schema") == FIRST_SCHEMA:
        check_schema(data, place=str(path), schema=SCHEMA, mend=MEND_OF_FIRST)
    description = check_document(TargetDescription, data, place=str(path))
    _check_references(description, str(path))
    sender = _sender(description, path)
    _check_changed(description, sender, str(path))
    _check_secrets(description, sender, str(path))
    _check_starts(description, sender, str(path))
    return Target(path=path.resolve(), description=description, sender=sender)


def _check_changed(description: TargetDescription, sender: Sender, place: str) -> None:
    """Refuse requests with an unknown identity, or with a signing time that the sender does not support."""
    for name, wrong in description.wrong.items():
        where = f"{place}: [wrong.{name}]"
        if wrong.signed_as is not None and wrong.signed_as not in description.identities:
            mend = "" if description.identities else "describe one in a table [identities.NAME]"
            raise UsageError.at(
                where, "signed_as", wrong.signed_as, "no such identity", valid=description.identities, mend=mend
            )
        _check_words(wrong.path or "", TEMPLATE_WORDS, place=where, key="path")
        _check_change(wrong, sender, where)
    for name, right in description.right.items():
        _check_change(right, sender, f"{place}: [right.{name}]")
    http, taken_id = description.sender.http, description.contract.taken_id
    if taken_id == "conflict" and http is not None and not http.carries_body and "{digest}" not in (http.body or ""):
        problem = "body of [sender.http] depends on the id only: another body cannot be sent"
        raise UsageError.at(f"{place}: [contract]", "taken_id", taken_id, problem, mend="write {digest} into that body")


def _check_secrets(description: TargetDescription, sender: Sender, place: str) -> None:
    """Refuse a secret setting that the service does not get."""
    given = {**description.service.environment, **sender.settings()}
    for name in description.secrets.settings:
        if name not in given:
            problem = "the service has no such setting"
            raise UsageError.at(f"{place}: [secrets]", "settings", name, problem, valid=given)
    for name in description.secrets.parts:
        if name not in description.secrets.settings:
            problem = "it is not one of `settings`"
            raise UsageError.at(f"{place}: [secrets.parts]", "", name, problem, valid=description.secrets.settings)


def _check_change(changed: ChangedDescription, sender: Sender, where: str) -> None:
    if changed.age_s and "age_s" not in inspect.signature(sender.request).parameters:
        problem = "the sender cannot sign at another time"
        mend = "give its request() a keyword argument age_s, and sign as that many seconds ago"
        raise UsageError.at(where, "age_s", changed.age_s, problem, mend=mend)
    _check_words(changed.id or "", ("id",), place=where, key="id")
    for key, text in _headers_of(changed.headers):
        _check_words(text, TEMPLATE_WORDS, place=where, key=key)


def _headers_of(headers: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    return [(f"headers.{name}", text) for name, text in headers.items()]


def _check_references(description: TargetDescription, place: str) -> None:
    if description.default_profile not in description.profiles:
        raise UsageError.at(
            place, "default_profile", description.default_profile, "no such profile", valid=description.profiles
        )
    for name, profile in description.profiles.items():
        for protection in profile.without:
            switched_off(description, protection, place=f"{place}: [profiles.{name}]", key="without")
    servers_of(description, place)
    _check_shared(description, place)
    _check_rows(description, place)
    _check_residue(description, place)
    _check_told_by(description, place)
    _check_health(description, place)
    for name, read in description.reads.items():
        for key, text in (("path", read.path), *_headers_of(read.headers)):
            _check_words(text, READ_BY, place=f"{place}: [reads.{name}]", key=key)
    _check_changes(description, place)
    for key, text in _texts_with_placeholders(description):
        _check_placeholders(description, place, key, text)
    for name, link in description.links.items():
        where = f"{place}: [links.{name}]"
        _check_words(link.remembers or "", REMEMBERED_BY, place=where, key="remembers")
        if link.remembers is not None and not ABOUT.of(link.protocol).remembers:
            problem = f"a service cannot remember a delivery by a key of {link.protocol}"
            raise UsageError.at(where, "remembers", link.remembers, problem, mend="take it out")
        if link.remembers_s is not None and not ABOUT.of(link.protocol).remembers:
            problem = f"keys of {link.protocol} have no time to live"
            raise UsageError.at(where, "remembers_s", link.remembers_s, problem, mend="take it out")


def _check_changes(description: TargetDescription, place: str) -> None:
    """Refuse unknown words of changes, and {given} if the harness does not know what the service gives."""
    for name, change in description.changes.items():
        where = f"{place}: [changes.{name}]"
        for key, text in (("path", change.path), *_headers_of(change.headers)):
            _check_words(text, CHANGED_BY, place=where, key=key)
        _check_words(change.body or "", (*BODY_WORDS, GIVEN, VERSION), place=where, key="body")
        if description.sender.version is None and name in description.versioned:
            mend = "say where an answer shows it: version = 'etag: (?P<version>.+)' in [sender]"
            problem = "the harness does not know where the service shows a version"
            raise UsageError.at(where, "{version}", name, problem, mend=mend)
    listed = description.stored.listed
    if description.sender.gives is None and listed is not None and listed.lists_given:
        problem = "the harness does not know what the service gives"
        mend = "say where an answer shows it: gives = '...' in [sender]"
        raise UsageError.at(f"{place}: [stored.listed]", "each", listed.each, problem, mend=mend)
    paths = {f"reads.{name}": each.path for name, each in description.reads.items()}
    paths |= {f"changes.{name}": each.path for name, each in description.changes.items()}
    for table, path in paths.items():
        if description.sender.gives is None and f"{{{GIVEN}}}" in path:
            mend = "say where an answer shows it: gives = '\"id\": *(?P<given>\\d+)' in [sender]"
            problem = "the harness does not know what the service gives"
            raise UsageError.at(f"{place}: [{table}]", "path", path, problem, mend=mend)


def _check_shared(description: TargetDescription, place: str) -> None:
    """Refuse a replica or a pooler if it names no earlier link of the same protocol and server."""
    before: dict[str, LinkDescription] = {}
    for name, link in description.links.items():
        where, shares = f"{place}: [links.{name}]", link.shares
        if shares is None:
            before[name] = link
            continue
        valid = [each for each, other in before.items() if other.protocol == link.protocol]
        if link.replica_of is not None and link.pool_of is not None:
            problem = "it reads a replica (`replica_of`), and no pooler leads to a replica"
            raise UsageError.at(where, "pool_of", link.pool_of, problem, mend="describe two links")
        key = _shared_by(link, where)
        if shares not in valid:
            problem = "no link above it has this protocol and name, and its own part of a server"
            raise UsageError.at(where, key, shares, problem, valid=valid)
        if link.server_name != before[shares].server_name:
            problem = f"[links.{shares}] leads to another server"
            raise UsageError.at(where, "server", link.server_name, problem, mend="name the same server in both")


def _shared_by(link: LinkDescription, where: str) -> str:
    """Return the key by which it shares another link's server. Raises UsageError if its protocol has no such key."""
    about = ABOUT.of(link.protocol)
    known = {
        "replica_of": (link.replica_of, about.replicates, "makes no replica of"),
        "pool_of": (link.pool_of, about.replicates, "puts no pooler in front of"),
        "sentinel_of": (link.sentinel_of, about.watched, "has no Sentinel look at"),
    }
    given = {key: each for key, each in known.items() if each[0] is not None}
    for key, (shared, possible, what) in given.items():
        if not possible:
            problem = f"the harness {what} a {link.protocol} server"
            raise UsageError.at(where, key, shared, problem, mend="take it out")
    return next(iter(given))


def _check_rows(description: TargetDescription, place: str) -> None:
    """Raise an error if rows cannot be listed: the link stores nothing, or the read does not exist."""
    stored = description.stored
    if stored.sql is not None:
        _check_stored(description, "stored", stored.link, place)
    if stored.read not in (None, *description.reads):
        mend = "" if description.reads else "describe one in a table [reads.NAME] with a path"
        where = f"{place}: [stored]"
        raise UsageError.at(where, "read", stored.read, "no such read", valid=description.reads, mend=mend)
    for name, effect in description.effects.items():
        if effect.calls is None:
            _check_stored(description, f"effects.{name}", effect.link, place)
        else:
            _check_called(description, f"effects.{name}", effect, place)


def _check_stored(description: TargetDescription, table: str, link: str, place: str) -> None:
    """Refuse a link whose server cannot list what the service has stored."""
    stored_on = description.links.get(link)
    if stored_on is not None and ABOUT.of(stored_on.protocol).stores:
        return
    databases = [name for name, each in description.links.items() if ABOUT.of(each.protocol).stores]
    mend = "" if databases else f"describe a link whose protocol is {' or '.join(storing())}"
    raise UsageError.at(f"{place}: [{table}]", "link", link, "not a database", valid=databases, mend=mend)


def _check_called(description: TargetDescription, table: str, effect: EffectDescription, place: str) -> None:
    """Refuse a link whose server cannot list the calls that it has received."""
    where, mend = f"{place}: [{table}]", "write it only with sql"
    if effect.sources:
        raise UsageError.at(where, "sources", effect.sources, "calls have no sources", mend=mend)
    called = [name for name, each in description.links.items() if ABOUT.of(each.protocol).receives]
    if effect.link not in called:
        mend = "" if called else f"describe a link whose protocol is {' or '.join(receiving())}"
        raise UsageError.at(where, "link", effect.link, "its calls cannot be listed", valid=called, mend=mend)


def _check_residue(description: TargetDescription, place: str) -> None:
    known = {name for link in description.links.values() for name in ABOUT.of(link.protocol).residue}
    known |= set(OF_PROCESS)
    for name, limit in description.residue.items():
        if name not in known:
            problem = "the harness counts nothing of this kind"
            raise UsageError.at(f"{place}: [residue]", name, limit, problem, valid=known, mend="take it out")


def _check_told_by(description: TargetDescription, place: str) -> None:
    """Refuse metrics of a link's connections if the harness does not know where the service shows its metrics."""
    for name, link in description.links.items():
        if link.told_by and description.probes is None:
            problem, mend = (
                "there is no [probes], so these metrics cannot be read",
                "add [probes] with metrics = '/...'",
            )
            raise UsageError.at(f"{place}: [links.{name}]", "told_by", link.told_by, problem, mend=mend)


def _check_health(description: TargetDescription, place: str) -> None:
    health = description.health
    for key, names in (("ready_needs", health.ready_needs), ("alive_needs", health.alive_needs)):
        for name in names:
            if name not in description.links:
                raise UsageError.at(f"{place}: [health]", key, name, "no such link", valid=description.links)
    problem, mend = "the service has no path that says whether it is ready", "give [service] a line ready = '/...'"
    for key, value in (("ready_needs", health.ready_needs), ("tells_away", health.tells_away)):
        if value and description.service.ready is None:
            raise UsageError.at(f"{place}: [health]", key, value, problem, mend=mend)
    if health.tells_away is not None and LINK_AWAY not in health.tells_away:
        problem, mend = "it does not say which link is away", f"write {LINK_AWAY} in the place of the link's name"
        raise UsageError.at(f"{place}: [health]", "tells_away", health.tells_away, problem, mend=mend)
    for name in description.log.blames:
        if name not in description.links:
            raise UsageError.at(f"{place}: [log.blames]", "", name, "no such link", valid=description.links)
        if description.log.fields is None:
            problem, mend = "the harness does not know the fields of a line", "describe them in [log.fields]"
            raise UsageError.at(f"{place}: [log.blames]", "", name, problem, mend=mend)


def _texts_with_placeholders(description: TargetDescription) -> Iterator[tuple[str, str]]:
    for n, word in enumerate(description.service.command):
        yield f"command[{n}]", word
    for n, word in enumerate(description.service.prepare):
        yield f"prepare[{n}]", word
    yield from description.service.environment.items()


def _check_starts(description: TargetDescription, sender: Sender, place: str) -> None:
    """Refuse starts of a command that the target does not have, and texts with unknown placeholders."""
    own = [*description.service.environment, *sender.settings()]
    for name, start in description.starts.items():
        where = f"{place}: [starts.{name}]"
        for n, word in enumerate(start.command):
            _check_words(
                word, ["python", *_of_links(description, where, "command", word)], place=where, key=f"command[{n}]"
            )
        if start.runs == "prepare" and not description.service.prepare:
            mend = "add prepare to [service]"
            raise UsageError.at(where, "runs", start.runs, "the target has no command that prepares", mend=mend)
        for setting in start.only or ():
            if setting not in own:
                raise UsageError.at(where, "only", setting, "the service has no such setting", valid=own)
        for key, text in start.environment.items():
            known = [*own, SERVICE_PORT, *_of_links(description, where, key, text)]
            _check_words(text, known, place=where, key=key)


def _check_placeholders(description: TargetDescription, place: str, key: str, text: str) -> None:
    place = f"{place}: [service]"
    own = [] if key.startswith("prepare") else [SERVICE_PORT]
    _check_words(text, ["python", *own, *_of_links(description, place, key, text)], place=place, key=key)


def _of_links(description: TargetDescription, place: str, key: str, text: str) -> Sequence[str]:
    """The links' placeholders that texts may use. Raises UsageError for the certificate of a link without TLS."""
    of_links: list[str] = []
    for link, described in description.links.items():
        of_links += [f"{link}.{word}" for word in ABOUT.of(described.protocol).placeholders]
        if described.name is not None:
            of_links += [f"{link}.{NAME}", f"{link}.{NAMED_URL}"]
        ca_file = f"{link}.{CA_FILE}"
        if described.tls:
            of_links.append(ca_file)
        elif ca_file in PLACEHOLDER.findall(text):
            problem, mend = "this link does not use TLS, so it has no certificate", f"add tls = true to [links.{link}]"
            raise UsageError.at(place, key, ca_file, problem, mend=mend)
    return of_links


def _check_words(text: str, known: Sequence[str], *, place: str, key: str) -> None:
    for match in PLACEHOLDER.finditer(text):
        if match[1] not in known:
            raise UsageError.at(place, key, match[1], "there is no such name", valid=known)


def _sender(description: TargetDescription, path: Path) -> Sender:
    if description.sender.http is not None:
        template = description.sender.http
        for key, text in (("path", template.path), *_headers_of(template.headers)):
            _check_words(text, TEMPLATE_WORDS, place=f"{path}: [sender.http]", key=key)
        _check_words(template.body or "", BODY_WORDS, place=f"{path}: [sender.http]", key="body")
        return TemplateSender(template)
    return _python_sender(description.sender.python or "", path)


def _python_sender(name: str, path: Path) -> Sender:
    place = f"{path}: [sender]"
    file, _, class_name = name.partition(":")
    module = _module_at(path.parent / file, place, name)
    found = getattr(module, class_name, None)
    classes = [word for word, value in vars(module).items() if isinstance(value, type) and hasattr(value, "request")]
    if not isinstance(found, type):
        valid = [f"{file}:{c}" for c in classes]
        mend = "" if valid else "give it a class with settings() and request()"
        raise UsageError.at(place, "python", name, "the file has no such class", valid=valid, mend=mend)
    for method in ("settings", "request"):
        if not callable(getattr(found, method, None)):
            raise UsageError.at(place, "python", name, f"the class has no method {method}()", mend=f"add {method}()")
    with _broken_by_user(file, place, name):
        return cast("Sender", found())


@contextmanager
def _broken_by_user(file: str, place: str, name: str) -> Iterator[None]:
    """Say what went wrong in the user's own file."""
    try:
        yield
    except (Exception, SystemExit) as problem:
        text = f"{file} raised {type(problem).__name__}: {problem}"
        raise UsageError.at(place, "python", name, text, mend=f"mend {file}") from problem


def _module_at(file: Path, place: str, name: str) -> ModuleType:
    if not file.is_file():
        class_name = name.partition(":")[2]
        near = [f"{found.name}:{class_name}" for found in sorted(file.parent.glob("*.py"))]
        mend = "" if near else "write file.py:Class, the file beside the description"
        raise UsageError.at(place, "python", name, "there is no such file", valid=near, mend=mend)
    module_name = f"harness_sender_{file.stem}"
    spec = importlib.util.spec_from_file_location(module_name, file)
    if spec is None or spec.loader is None:
        raise UsageError.at(place, "python", name, "cannot be imported", mend="name a .py file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        with _broken_by_user(file.name, place, name):
            spec.loader.exec_module(module)
    except UsageError:
        del sys.modules[module_name]
        raise
    return module
