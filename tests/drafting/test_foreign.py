"""`harness init` in projects as strangers have them: what it found wrong or not at all in them once."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.cli.main import main
from harness.target import load_target
from tests.drafting.test_project import write
from tests.drafting.test_routes import told

URLS = """
urlpatterns = [
    path("health/live", views.live), path("health/ready", views.ready), path("bookings/<uuid:key>", views.booking)
]
"""
VIEWS = """
def live(request): ...

def ready(request): ...

@require_http_methods(["GET", "PUT", "DELETE"])
def booking(request, key):
    data = json.loads(request.body)
    guest, nights = data["guest"], data["nights"]
    if not isinstance(nights, int):
        return JsonResponse({}, status=422)
"""
MODELS = """
class Guest(models.Model):
    email = models.EmailField(unique=True)

class Booking(models.Model):
    id = models.UUIDField(primary_key=True)
    guest = models.TextField()
    nights = models.IntegerField()
"""


def test_of_django_the_health_a_uuid_in_the_path_and_the_models_own_key_are_found(tmp_path: Path) -> None:
    project = told(tmp_path, {"hotel/urls.py": URLS, "bookings/views.py": VIEWS, "bookings/models.py": MODELS})
    assert (project.alive, project.ready) == ("/health/live", "/health/ready")
    assert (project.method, project.path, project.read) == ("PUT", "/bookings/{uuid}", "/bookings/{uuid}")
    assert project.sql == "SELECT id FROM bookings_booking"
    assert project.body == '{"guest": "{id}", "nights": 1}'


FASTAPI = """
class Note(BaseModel):
    {field}: str

@app.post("/notes")
async def make(note: Note): ...

@app.get("/notes/{{id}}")
async def one(id: UUID): ...
"""


@pytest.mark.parametrize(("field", "read"), [("id", "/notes/{uuid}"), ("text", "/notes/{given}")])
def test_a_uuid_that_a_read_takes_is_the_bodys_or_the_services_own(field: str, read: str, tmp_path: Path) -> None:
    assert told(tmp_path, {"app.py": FASTAPI.format(field=field)}).read == read


COMPOSE = """
services:
  app:
    build: .
    command: npm start
    environment: {PORT: "3000", CARRIER_URL: "http://card-carrier:8080/v1/", OWN_URL: "http://app:3000"}
  card-carrier: {image: example/carrier}
  other: {image: example/other}
"""
SERVER = "app.post('/shipments', (req, res) => { const { id } = req.body; }); app.get('/healthz', alive)"


def test_a_service_that_is_called_is_a_link_with_a_stub_and_the_port_is_told_once(tmp_path: Path) -> None:
    scripts = json.dumps({"scripts": {"start": "node src/server.js", "migrate": "node src/tables.js"}})
    tables = "pool.query('CREATE TABLE shipments (id text)', process.env.DATABASE_URL)"
    files = {"compose.yaml": COMPOSE, "package.json": scripts, "src/server.js": SERVER, "src/tables.js": tables}
    write(tmp_path, files)
    assert main(["init", str(tmp_path)]) == 0
    described = load_target(tmp_path / "scenarios" / "target.toml").description
    assert [*described.service.command] == ["node", "src/server.js"]
    assert [*described.service.prepare] == ["node", "src/tables.js"]
    assert described.links.keys() == {"postgres", "card_carrier"}
    assert dict(described.service.environment) == {
        "PORT": "{service.port}", "CARRIER_URL": "{card_carrier.url}/v1", "OWN_URL": "http://app:3000",
        "DATABASE_URL": "{postgres.url}",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scripts", "command"),
    [
        ({"start": "next start"}, ["npm", "start"]),
        ({"start": "node a.js && node b.js"}, ["npm", "start"]),
        ({}, ["npm", "start"]),
    ],
)
def test_npm_starts_what_is_not_one_program_of_node(
    scripts: dict[str, str], command: list[str], tmp_path: Path
) -> None:
    files = {"compose.yaml": COMPOSE, "package.json": json.dumps({"scripts": scripts})}
    assert [*told(tmp_path, files).command] == command


def test_java_that_makes_its_tables_is_prepared_and_no_file_is_named_for_what_it_lacks(tmp_path: Path) -> None:
    source = 'if (arguments[0].equals("migrate")) { store.migrate(); }'
    compose = "services: {app: {build: ., command: java -jar app.jar}}"
    project = told(tmp_path, {"compose.yaml": compose, "src/main/java/Main.java": source})
    assert [*project.prepare] == ["java", "-jar", "app.jar", "migrate"]
    assert "alive" not in project.whence
