"""The files that a project gets: target.toml with its schema, scenarios, and what runs them in CI."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.drafting.project._compose import PORT
from harness.drafting.project._finding import UNHANDLED, Project, protocols
from harness.errors import HarnessError
from harness.protocols.contract.about import storing
from harness.target import SCHEMA
from harness.target.description import SCHEMA_FILE

IGNORED = ".results/"
OF_PYTHON = """\
# Finds unhandled exceptions. If the service logs no traceback of handled ones, judge each: unhandled = '^Traceback'
"""
TODO = "TODO"
BODY = '{"id": "{id}", "content": {body}}'
UNKNOWN_SQL = "SELECT id FROM TODO"
ALIVE_NOTE = "  # any path that answers 2xx while the service lives; FastAPI has /openapi.json"
TARGET = """\
#:schema ./{schema_file}
# {name}, as the harness knows it. `harness check` tries it; docs/target.md of the harness has every key.
schema = "{schema}"
name = "{name}"

[service]
directory = "{directory}"
command = {command}
{prepare}alive = "{alive}"{alive_note}
{ready}{unhandled_note}unhandled = '{unhandled}'

[service.environment]
{environment}

{links}

# A delivery: the request that must never be lost. {{id}} is its id; with `body` it can be put into a document of yours:
# body = '{{"id": "{{id}}", "content": {{body}}}}'
# {{body}} is a JSON document with NUL and lone surrogates in its texts: leave it out if the service may refuse them.
{gives}[sender.http]
method = "{method}"
path = "{path}"
headers = {{ content-type = "application/json"{id_header} }}
{body}{repeat}{read}{changes}
# Lists the stored deliveries, by their ids. With a column `digest` (SHA-256 of the body, in hex) the bodies
# are compared, too: then remove `digests`.
[stored]
sql = {sql}
digests = false

[limits]
request_deadline_ms = 5000
connections = 20
body_bytes = 10000
"""
STUB = """\
[links.{name}]
protocol = "http"
server = "{name}"

# The answers of the stub that stands in its place. The stub answers 404 to any other request.
[[servers.{name}.answers]]
request = "POST /"
headers = {{ content-type = "application/json" }}
body = '{{}}'

[[servers.{name}.answers]]
request = "GET /"
headers = {{ content-type = "application/json" }}
body = '{{}}'"""
ALREADY = """
# The answer to a delivery that is stored already.
[outcomes.already]
status = ["{status}"]
"""
GIVES = """\
# The service gives an id to each delivery, which its answer shows: {given} stands for it.
[sender]
gives = '(?:"id": *"?|location: \\S*/)(?P<given>[0-9a-f]{8}-[0-9a-f-]{27}|\\d+)'

"""
SCENARIOS = '''\
"""What may happen to a delivery on its way."""

from harness import {words}


async def test_healthy(lab: Lab) -> None:
    """Nothing is broken, and each delivery comes twice: the second time it gets the first answer."""
    await lab.inject(no_fault)
    await lab.deliver(5, copies=2)
{more}'''
ANSWER_LOST = '''

async def test_insert_answer_lost(lab: Lab) -> None:
    """The delivery is stored, and the answer to its INSERT is lost."""
    async with lab.inject(wire.cut({link}.answered("INSERT"))):
        await lab.deliver()
'''
AWAY = '''

async def test_{link}_away(lab: Lab) -> None:
    """Connections are refused: deliveries that need {title} are refused in time, and accepted again afterwards."""
    async with lab.inject(link.down({link})):
        await lab.deliver(5, expect=ACKNOWLEDGED | REFUSED)
'''
WORKFLOW = """\
# Breaks this project's service on every push. `harness gate` exits with 1 if something failed.
name: resilience
on: [push, pull_request]
permissions:
  contents: read
jobs:
  gate:
    runs-on: ubuntu-24.04
    timeout-minutes: 15
    steps:
      - uses: actions/checkout@de0fac2e4500dabe0009e67214ff5f5447ce83dd # v6.0.2
        with:
          persist-credentials: false
      - uses: actions/setup-python@a309ff8b426b58ec0e2a45f0f869d46889d02405 # v6.2.0
        with:
          python-version: "3.13"
      # Some faults need user namespaces, which Ubuntu closes to ordinary programs.
      - run: sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0
      - run: python -m venv .resilience && .resilience/bin/pip install '{harness}'{requirements}
{build}      - run: .resilience/bin/harness gate
      - if: always()
        uses: actions/upload-artifact@bbbca2ddaa5d8feaa63e36b76fdaad77386f024f # v7.0.0
        with:
          name: resilience
          path: .results/latest/
          include-hidden-files: true
"""


@dataclass(frozen=True, slots=True)
class Written:
    """A file of the project. `kept`: it existed already, and is unchanged."""

    file: Path
    kept: bool = False


def written(folder: Path, project: Project, *, harness: str) -> Sequence[Written]:
    """Write the files that do not exist yet. `harness`: what pip installs in CI. Raises HarnessError."""
    try:
        return [*_written(folder, project, harness)]
    except OSError as problem:
        raise HarnessError(
            f"{folder}: {problem}", hint="does the folder belong to another user, or is the disk full?"
        ) from problem


def _written(folder: Path, project: Project, harness: str) -> Iterator[Written]:
    for name, text in (
        ("scenarios/target.toml", _target(project)),
        (f"scenarios/{SCHEMA_FILE.name}", SCHEMA_FILE.read_text("utf-8")),
        ("scenarios/first.py", _scenarios(project)),
        (".github/workflows/resilience.yml", _workflow(project, harness)),
    ):
        file = folder / name
        if file.exists():
            yield Written(file, kept=True)
            continue
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        yield Written(file)
    yield _ignored(folder / ".gitignore")


def _ignored(file: Path) -> Written:
    text = file.read_text("utf-8") if file.exists() else ""
    if IGNORED in text.splitlines():
        return Written(file, kept=True)
    break_before = "" if not text or text.endswith("\n") else "\n"
    file.write_text(f"{text}{break_before}{IGNORED}\n", "utf-8")
    return Written(file)


def _target(project: Project) -> str:
    links = project.links or {name: f"{name.upper()}_URL" for name in protocols()}
    settings = [f"{name} = {json.dumps(text)}" for name, text in project.environment.items()]
    settings += [f'{setting} = "{{{protocol}.url}}"' for protocol, setting in links.items() if setting]
    command = project.command or (TODO,)
    if not any(PORT in word for word in (*command, *project.environment.values())):
        told = "" if project.port_setting else f"  # {TODO}: how does the service learn its port?"
        settings.append(f'PORT = "{PORT}"{told}')
    ready = f'ready = "{project.ready}"\n' if project.ready else ""
    read = f'\n[reads.one]\npath = "{project.read}"\n' if project.read else ""
    # Without an id in its path the service takes it from elsewhere, and only the user knows where.
    has_place = any(word in project.path for word in ("{id}", "{uuid}", "{number}")) or project.id_header != ""
    own = f"body = '{project.body}'\n" if project.body and "'" not in project.body else ""
    body = own or (f"body = '{BODY}'  # {TODO}: what the service expects\n" if not has_place and project.path else "")
    note = OF_PYTHON if project.unhandled == UNHANDLED[".py"] else ""
    prepare = f"prepare = {_words(project.prepare)}\n" if project.prepare else ""
    return TARGET.format(
        schema=SCHEMA, schema_file=SCHEMA_FILE.name, name=project.name, command=_words(command), prepare=prepare,
        id_header=f', {project.id_header} = "{{id}}"' if project.id_header else "",
        repeat=ALREADY.format(status=project.repeat) if project.repeat else "",
        gives=GIVES if "{given}" in project.read else "", changes="".join(_changes(project, body)),
        body=body, read=read, ready=ready, directory=str(Path("..") / project.folder),
        alive=project.alive or f"/{TODO}", alive_note="" if project.alive else ALIVE_NOTE,
        unhandled=project.unhandled, unhandled_note=note,
        environment="\n".join(settings),
        links="\n\n".join([f'[links.{protocol}]\nprotocol = "{protocol}"' for protocol in links] + _stubs(project)),
        method=project.method, path=project.path or f"/{TODO}/{{id}}", sql=json.dumps(project.sql or UNKNOWN_SQL),
    )  # fmt: skip


def _stubs(project: Project) -> list[str]:
    """The tables of the services that it calls."""
    return [STUB.format(name=name) for name in project.stubs]


def _changes(project: Project, body: str) -> Iterator[str]:
    """The tables of what changes or removes a delivery."""
    for method in project.changes:
        more = (
            "removes = true\n" if method == "DELETE" else f'headers = {{ content-type = "application/json" }}\n{body}'
        )
        name = {"DELETE": "removed"}.get(method, "changed")
        yield f'\n[changes.{name}]\nmethod = "{method}"\npath = "{project.read}"\n{more}'


def _words(command: Sequence[str]) -> str:
    return json.dumps([*command])


def _scenarios(project: Project) -> str:
    links = [*(project.links or protocols())]
    more, words = "", {"Lab", "no_fault"}
    stores = next((each for each in links if each in storing()), None)
    if stores is not None:
        more += ANSWER_LOST.format(link=stores)
        words |= {"wire", stores}
    for each in links:
        more += AWAY.format(link=each, title=each)
        words |= {"ACKNOWLEDGED", "REFUSED", "link", each}
    ordered = sorted(words, key=lambda word: (0 if word.isupper() else 1 if word[0].isupper() else 2, word))
    return SCENARIOS.format(words=", ".join(ordered), more=more)


def _workflow(project: Project, harness: str) -> str:
    needed = f" -r {project.requirements}" if project.requirements else ""
    go = "go.mod" in project.whence.get("command", "")
    node = "package.json" in project.whence.get("command", "")
    build = "      - run: go build -o " + project.command[0] + " .\n" if go else "      - run: npm ci\n" if node else ""
    return WORKFLOW.format(harness=harness, requirements=needed, build=build)
