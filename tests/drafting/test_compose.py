"""`harness init` in a project with a compose file: the service under test, how it is started, and its servers."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.cli.main import main
from harness.target import load_target
from tests.drafting.test_project import write
from tests.drafting.test_routes import MODELS, SHOP, told

COMPOSE = """
services:
  db:
    image: docker.io/library/postgres:16-alpine
    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: secret}
  cache: {image: "valkey/valkey:8"}
  mail: {image: axllent/mailpit, ports: ["8025:8025"]}
  migrate:
    build: .
    command: alembic upgrade head
  api:
    build: .
    command: uvicorn shop.main:app --host 0.0.0.0 --port 8000 --reload
    ports: ["127.0.0.1:80:8000/tcp"]
    environment:
      DATABASE_URL: postgresql+asyncpg://shop:${DB_PASSWORD}@db:5432/shop
      CACHE: redis://cache:6379/0
      LOG_LEVEL: ${LOG_LEVEL:-info}
      DEBUG: false
      API_KEY: ${API_KEY}
    depends_on:
      migrate: {condition: service_completed_successfully}
    healthcheck:
      test: ["CMD", "curl", "-f", "http://localhost:8000/internal/up"]
"""


def test_a_compose_file_tells_the_command_and_the_servers(tmp_path: Path) -> None:
    project = told(tmp_path, {"compose.yaml": COMPOSE, ".env": "DB_PASSWORD='x'\n", ".venv/bin/python": ""})
    python = "./.venv/bin/python"
    assert [*project.command] == [
        python, "-m", "uvicorn", "shop.main:app", "--host", "127.0.0.1", "--port", "{service.port}"
    ]  # fmt: skip
    assert [*project.prepare] == [python, "-m", "alembic", "upgrade", "head"]
    assert project.alive == "/internal/up"
    assert [*project.links] == ["postgres", "redis"]
    login = "{postgres.user}:{postgres.password}@{postgres.host}:{postgres.port}"
    assert dict(project.environment) == {
        "DATABASE_URL": f"postgresql+asyncpg://{login}/{{postgres.database}}",
        "CACHE": "{redis.url}",
        "LOG_LEVEL": "info",
        "DEBUG": "false",
        "API_KEY": "TODO",
    }
    assert project.whence["command"] == project.whence["links"] == "compose.yaml"


APART = """
services:
  web:
    build: {context: ./api}
    ports: [{target: 3000, published: "80"}]
    env_file: api/settings.env
    environment: [PORT=3000, DB_HOST=postgres, "DB_PORT=5432", DB_USER=me, DB_PASSWORD=pw, DB_NAME=shop]
  postgres: {image: "postgis/postgis:16-3.4"}
"""
DOCKERFILE = (
    'FROM node:22\nENTRYPOINT ["docker-entrypoint.sh"]\nCMD ["sh", "-c", "npm run migrate && exec node server.js"]\n'
)


def test_an_address_in_parts_a_folder_of_its_own_and_a_dockerfile(tmp_path: Path) -> None:
    files = {"docker-compose.yml": APART, "api/Dockerfile": DOCKERFILE, "api/settings.env": "MODE=plain\n"}
    project = told(tmp_path, files)
    assert ([*project.command], [*project.prepare]) == (["node", "server.js"], ["npm", "run", "migrate"])
    assert project.folder == "api"
    assert dict(project.environment) == {
        "MODE": "plain", "PORT": "{service.port}", "DB_HOST": "{postgres.host}", "DB_PORT": "{postgres.port}",
        "DB_USER": "{postgres.user}", "DB_PASSWORD": "{postgres.password}", "DB_NAME": "{postgres.database}",
    }  # fmt: skip


def test_what_is_written_of_a_compose_file_is_taken(tmp_path: Path) -> None:
    write(
        tmp_path, {"compose.yaml": COMPOSE.replace("${API_KEY}", "k"), "shop/main.py": SHOP, "shop/models.py": MODELS}
    )
    assert main(["init", str(tmp_path)]) == 0
    text = (tmp_path / "scenarios" / "target.toml").read_text("utf-8")
    assert [line for line in text.splitlines() if "TODO" in line] == []
    described = load_target(tmp_path / "scenarios" / "target.toml").description
    assert described.sender.http is not None
    assert (described.sender.http.method, described.sender.http.path) == ("POST", "/api/orders")
    assert described.sender.http.body == '{"order_ref": "{id}", "lines": [{"sku": "text", "count": 1}], "paid": true}'
    assert described.stored.sql == "SELECT order_ref AS id FROM orders"
    assert described.reads["one"].path == "/api/orders/{id}"
    assert described.service.environment["CACHE"] == "{redis.url}"


@pytest.mark.parametrize("compose", ["services: [", "version: 3\n", "- a\n"])
def test_a_compose_file_that_cannot_be_read_is_told(
    compose: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, {"compose.yml": compose})
    assert main(["init", str(tmp_path)]) == 4
    said = capsys.readouterr().err
    assert "cannot be read" in said
    assert "--command" in said


def test_servers_alone_and_an_images_own_file_start_nothing(tmp_path: Path) -> None:
    assert told(tmp_path, {"compose.yml": "services: {db: {image: postgres}}"}).command == ()
    goes = {"compose.yml": "services: {web: {build: ., command: /server}, q: {image: nats}}", "go.mod": "module x"}
    assert [*told(tmp_path, goes).command] == ["./x"]
