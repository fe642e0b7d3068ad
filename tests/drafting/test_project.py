"""`harness init`: what it finds in a project, and what it writes."""

from __future__ import annotations

import ast
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from harness.cli.main import main
from harness.cli.verbs.setup.init import this_harness
from harness.drafting.project import Asked, found
from harness.engine.observing.service.service_log import unhandled_in
from harness.plugin.collection import collect_scenarios
from harness.target import load_target

STARLETTE = """
app = Starlette(routes=[Route("/healthz", health)])
url = os.environ["DATABASE_URL"]
CREATE = "CREATE TABLE IF NOT EXISTS orders (id text)"
"""
PROJECTS: Mapping[str, tuple[Mapping[str, str], list[str], list[str], dict[str, str]]] = {
    "Starlette": (
        {"shop/main.py": STARLETTE, "alembic.ini": ""},
        ["{python}", "-m", "uvicorn", "shop.main:app", "--port", "{service.port}"],
        ["{python}", "-m", "alembic", "upgrade", "head"],
        {"postgres": "DATABASE_URL"},
    ),
    "Flask in its own environment": (
        {
            "web.py": "app = Flask(__name__)",
            ".venv/bin/python": "",
            ".venv/x.py": "a = FastAPI()",
            "a.env": "REDIS_URL=",
        },
        ["./.venv/bin/python", "-m", "flask", "--app", "web:app", "run", "--port", "{service.port}"],
        [],
        {"redis": "REDIS_URL"},
    ),
    "Django": (
        {"manage.py": "", "shop/settings.py": "env('PG_DSN'); env('APP_DB_URL'); env('CACHE_REDIS_URI')"},
        ["{python}", "manage.py", "runserver", "--noreload", "127.0.0.1:{service.port}"],
        ["{python}", "manage.py", "migrate"],
        {"postgres": "APP_DB_URL", "redis": "CACHE_REDIS_URI"},
    ),
    "Procfile": (
        {"Procfile": "release: bin/migrate\nweb: bin/serve -p $PORT\n"},
        ["bin/serve", "-p", "{service.port}"],
        ["bin/migrate"],
        {},
    ),
    "Procfile of Python": (
        {"Procfile": "release: python migrate.py\nweb: gunicorn -b 127.0.0.1:$PORT app:app\n"},
        ["{python}", "-m", "gunicorn", "-b", "127.0.0.1:{service.port}", "app:app"],
        ["{python}", "migrate.py"],
        {},
    ),
    "Node": (
        {
            "package.json": json.dumps({"scripts": {"start": "node server.js", "migrate": "node migrate.js"}}),
            "server.js": "process.env.POSTGRES_URL",
        },
        ["node", "server.js"],
        ["node", "migrate.js"],
        {"postgres": "POSTGRES_URL"},
    ),
    "Node in a compose file": (
        {
            "compose.yaml": "services: {app: {build: ., command: [node, src/server.js]}}\n",
            "package.json": json.dumps({"scripts": {"start": "node dist/server.js"}}),
            "src/server.js": "process.env.POSTGRES_URL",
            "src/migrate.mjs": "await client.query(tables)",
        },
        ["node", "src/server.js"],
        ["node", "src/migrate.mjs"],
        {"postgres": "POSTGRES_URL"},
    ),
    "Node in a compose file, with a script": (
        {
            "compose.yaml": "services: {app: {build: ., command: [node, src/server.js]}}\n",
            "package.json": json.dumps({"scripts": {"start": "node dist/server.js", "migrate": "node tables.js"}}),
            "src/migrate.js": "await client.query(tables)",
        },
        ["node", "src/server.js"],
        ["node", "tables.js"],
        {},
    ),
    "a script": (
        {"pyproject.toml": "[project.scripts]\nserve = 'shop.run:main'\n"},
        ["{python}", "-m", "shop.run"],
        [],
        {},
    ),
    "nothing": ({}, [], [], {}),
}


def write(folder: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")


@pytest.mark.parametrize("name", PROJECTS)
def test_how_a_service_is_started_is_found(name: str, tmp_path: Path) -> None:
    files, command, prepare, links = PROJECTS[name]
    write(tmp_path, files)
    if (tmp_path / ".venv").exists():
        (tmp_path / ".venv" / "pyvenv.cfg").write_text("", "utf-8")
    project = found(tmp_path, Asked())
    assert [*project.command] == command
    assert [*project.prepare] == prepare
    assert dict(project.links) == links


def test_what_is_written_is_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"shop/main.py": STARLETTE, ".gitignore": "build/", "requirements.txt": "starlette"})
    write(tmp_path, {"pytest.ini": "[pytest]\nasyncio_default_fixture_loop_scope = function\n"})
    assert main(["init", str(tmp_path), "--deliver", "PUT /orders/{id}", "--harness", "harness @ /x"]) == 0
    told = capsys.readouterr().out
    assert "TODO" not in told
    assert "found command in shop/main.py" in told

    target = load_target(tmp_path / "scenarios" / "target.toml")
    assert (target.description.service.alive, target.description.stored.sql) == ("/healthz", "SELECT id FROM orders")
    text = (tmp_path / "scenarios" / "target.toml").read_text("utf-8")
    schema = re.match(r"#:schema \./(\S+)\n", text)
    assert schema is not None
    jsonschema.validate(tomllib.loads(text), json.loads((tmp_path / "scenarios" / schema[1]).read_text("utf-8")))
    scenarios = collect_scenarios(tmp_path / "scenarios", target.description)
    assert [each.id for each in scenarios] == ["healthy", "insert_answer_lost", "postgres_away"]
    assert (tmp_path / ".gitignore").read_text("utf-8") == "build/\n.results/\n"
    steps = YAML(typ="safe").load(tmp_path / ".github" / "workflows" / "resilience.yml")["jobs"]["gate"]["steps"]
    assert any("pip install 'harness @ /x' -r requirements.txt" in step.get("run", "") for step in steps)

    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*") if file.is_file()}
    assert main(["init", str(tmp_path)]) == 0
    assert "wrote" not in capsys.readouterr().out
    assert all(file.read_bytes() == content for file, content in before.items())


SHOP = """
app = FastAPI()
@app.post("/login")
@app.post("/orders", status_code=201)
@app.get("/orders/{order_id}")
@app.get("/healthz")
@app.get("/readyz")
"""
TABLES = "CREATE TABLE IF NOT EXISTS orders (\n  total numeric(8, 2),\n  order_id text PRIMARY KEY\n);"
MIGRATE = 'if __name__ == "__main__": main()'


def test_what_a_service_serves_and_stores_is_found(tmp_path: Path) -> None:
    write(tmp_path, {"shop/app.py": SHOP, "schema.sql": TABLES, "shop/migrate.py": MIGRATE})
    assert main(["init", str(tmp_path)]) == 0
    text = (tmp_path / "scenarios" / "target.toml").read_text("utf-8")
    assert [line.partition("=")[0].strip() for line in text.splitlines() if "TODO" in line] == ["body"]
    described = load_target(tmp_path / "scenarios" / "target.toml").description
    assert described.service.prepare == ["{python}", "-m", "shop.migrate"]
    assert (described.service.alive, described.service.ready) == ("/healthz", "/readyz")
    assert described.stored.sql == "SELECT order_id AS id FROM orders"
    assert described.sender.http is not None
    assert (described.sender.http.method, described.sender.http.path) == ("POST", "/orders")
    assert described.reads["one"].path == "/orders/{id}"


@pytest.mark.parametrize(
    ("source", "method", "path"),
    [
        ("router.put('/orders/:id', take)", "PUT", "/orders/{id}"),
        ('mux.HandleFunc("PUT /orders/{key}", take)', "PUT", "/orders/{id}"),
        ("app.post('/shops/:shop/orders/:id', take)", "POST", "/shops/TODO/orders/{id}"),
        ("app.post('/shops/:shop/orders/:id', take)\napp.put('/notes', take)", "PUT", "/notes"),
        ('client.get("/orders")', "POST", ""),
    ],
)
def test_the_route_of_a_delivery_is_found(source: str, method: str, path: str, tmp_path: Path) -> None:
    write(tmp_path, {"serve.js": source})
    project = found(tmp_path, Asked())
    assert (project.method, project.path) == (method, path)


def test_what_is_not_found_is_marked_or_said_by_flags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "empty", {})
    for folder, flags in (("empty", []), ("said", ["--command", "./serve", "--link", "redis=CACHE", "--alive", "/up"])):
        (tmp_path / folder).mkdir()
        assert main(["init", str(tmp_path / folder), *flags]) == 0
    assert len(re.findall(r"target\.toml:\d+", capsys.readouterr().out)) >= 6
    text = (tmp_path / "said" / "scenarios" / "target.toml").read_text("utf-8")
    assert all(line in text for line in ('command = ["./serve"]', 'CACHE = "{redis.url}"', 'alive = "/up"'))
    ast.parse((tmp_path / "said" / "scenarios" / "first.py").read_text("utf-8"))


@pytest.mark.parametrize(
    ("flags", "told"),
    [
        (["--link", "postgre=X"], "closest valid: 'postgres'"),
        (["--link", "postgres"], "write PROTOCOL=SETTING"),
        (["--deliver", "orders"], "write --deliver 'POST /orders/{id}'"),
    ],
)
def test_a_flag_that_does_not_fit_is_told(
    flags: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path), *flags]) == 4
    assert told in capsys.readouterr().err
    assert not (tmp_path / "scenarios").exists()


@pytest.mark.parametrize(
    ("came_from", "installs"),
    [
        (None, "webhook-resilience-harness==7.1"),
        ({"url": "file:///here", "dir_info": {}}, "webhook-resilience-harness==7.1"),
        (
            {"url": "https://x/y.git", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
            "webhook-resilience-harness @ git+https://x/y.git@abc",
        ),
    ],
)
def test_the_job_installs_the_harness_that_is_installed(
    came_from: object, installs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "webhook_resilience_harness-7.1.dist-info"
    write(installed, {"METADATA": "Metadata-Version: 2.1\nName: webhook-resilience-harness\nVersion: 7.1\n"})
    if came_from is not None:
        write(installed, {"direct_url.json": json.dumps(came_from)})
    monkeypatch.syspath_prepend(tmp_path)
    assert this_harness() == installs


def test_an_error_that_was_handled_is_not_judged_by_its_traceback(tmp_path: Path) -> None:
    write(tmp_path, {"shop/app.py": SHOP})
    assert main(["init", str(tmp_path)]) == 0
    file = tmp_path / "scenarios" / "target.toml"
    unhandled = load_target(file).description.service.unhandled
    traceback = 'Traceback (most recent call last):\n  File "x.py", line 1\nOSError: gone\n'
    assert not [*unhandled_in(f"WARNING: trying again\n{traceback}".splitlines(), unhandled)]
    of_asyncpg = (
        "ERROR:asyncio:Future exception was never retrieved\nConnectionError: unexpected connection_lost() call"
    )
    assert not [*unhandled_in(of_asyncpg.splitlines(), unhandled)]
    for told in (
        "ERROR:    Exception in ASGI application", "Task exception was never retrieved", "Exception in thread worker:",
        "[2026-01-01 00:00:00,000] ERROR in app: Exception on /orders [POST]", "Internal Server Error: /orders/",
    ):  # fmt: skip
        (line,) = unhandled_in(f"{told}\n{traceback}".splitlines(), unhandled)
        assert (line.line, line.ends_with) == (told, "OSError: gone")
    assert "unhandled = '^Traceback'" in file.read_text("utf-8"), "how to judge each"


def test_of_node_the_last_line_of_a_fatal_exception_is_found(tmp_path: Path) -> None:
    write(tmp_path, {"package.json": '{"scripts": {"start": "node a.js"}}', "a.js": "", "tools/stamp.py": "print()"})
    unhandled = found(tmp_path, Asked()).unhandled
    thrown = "/srv/a.js:1\nthrow new Error('x')\n^\n\nError: x\n    at f (/srv/a.js:1:7)\n\nNode.js v20.20.2"
    assert [each.line for each in unhandled_in(thrown.splitlines(), unhandled)] == ["Node.js v20.20.2"]
    assert not [*unhandled_in(['{"level":50,"err":{"stack":"Error: x\\n    at f (/srv/a.js:1:7)"}}'], unhandled)]


def test_what_the_user_has_said_was_found_in_no_file_and_a_queue_may_be_linked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {"shop/app.py": SHOP, "schema.sql": TABLES, "shop/migrate.py": MIGRATE})
    said = {"--command": "./serve", "--alive": "/up", "--prepare": "./make", "--stored": "SELECT id FROM orders"}
    flags = [word for each in said.items() for word in each]
    assert main(["init", str(tmp_path), *flags, "--link", "nats=QUEUE_URL", "--link", "postgres=PG"]) == 0
    told = capsys.readouterr().out
    assert [line for line in told.splitlines() if line.startswith("found ")] == [
        "found ready in shop/app.py", "found delivery in shop/app.py",
    ]  # fmt: skip
    described = load_target(tmp_path / "scenarios" / "target.toml").description
    assert described.links["nats"].protocol == "nats"
    assert described.service.environment["QUEUE_URL"] == "{nats.url}"
