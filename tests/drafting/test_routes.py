"""The routes that `harness init` finds below their prefixes, and the body that it makes of a route's model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.drafting.project import Asked, Project, found
from tests.drafting.test_project import write


def told(folder: Path, files: Mapping[str, str]) -> Project:
    """What is found in a folder with these files."""
    write(folder, files)
    return found(folder, Asked())


SHOP = """
router = APIRouter(prefix="/orders")

@router.get("/{order_ref}")
def show(order_ref: str): ...

@router.post("", status_code=201)
async def take(order: OrderIn, session: Session = Depends(session)): ...

app = FastAPI()
app.include_router(router, prefix="/api")
"""
MODELS = """
class Audit(Base):
    __tablename__ = "audits"
    id = mapped_column(primary_key=True)

class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    order_ref: Mapped[str] = mapped_column(unique=True)

class Line(BaseModel):
    sku: str
    count: Annotated[int, Field(gt=0)]

class OrderIn(BaseModel):
    order_ref: str
    lines: list[Line] = Field(min_length=1)
    note: str | None = None
    tags: list[str] = Field(default_factory=list)
    paid: bool
"""


MOUNTED = """
routes = [Mount("/v1", routes=[Route("/things/{key}", one), Route("/things", new, methods=["POST"])])]
"""
BLUEPRINT = """
bp = Blueprint("b", __name__)
@bp.route("/orders", methods=["POST"])
def new(): ...
"""
MAKES = """
from shop.views import bp
def make():
    app.register_blueprint(bp, url_prefix="/api")
"""
TABLE = 'app = Starlette(routes=[Route("/t/{id}", endpoint=take, methods=["PUT", "GET"])])'
INCLUDES = "app.include_router(orders.router, prefix='/v2')"
INCLUDED = "@router.put('/o/{key}')\ndef p(key: str): ..."
NUMBERED = "@app.put('/o/{n}')\ndef p(n: int): ...\n@app.post('/n/<int:x>')\ndef q(x): ..."
USES = "app.use('/api/orders', require('./routes/orders'))"
USED = "router.get('/:id', one); router.post('/', add)"


@pytest.mark.parametrize(
    ("files", "method", "path", "read"),
    [
        ({"a.py": MOUNTED}, "POST", "/v1/things", "/v1/things/{id}"),
        ({"a.py": TABLE}, "PUT", "/t/{id}", "/t/{id}"),
        ({"shop/__init__.py": MAKES, "shop/views.py": BLUEPRINT}, "POST", "/api/orders", ""),
        ({"main.py": INCLUDES, "orders.py": INCLUDED}, "PUT", "/v2/o/{id}", ""),
        ({"a.py": NUMBERED}, "POST", "", ""),
        ({"a.js": USES, "routes/orders.js": USED}, "POST", "/api/orders", "/api/orders/{id}"),
    ],
)
def test_a_route_is_found_below_its_prefixes(
    files: Mapping[str, str], method: str, path: str, read: str, tmp_path: Path
) -> None:
    project = told(tmp_path, files)
    assert (project.method, project.path, project.read) == (method, path, read)


@pytest.mark.parametrize(
    ("fields", "body"),
    [
        ("total: float\n name: str\n kind: Literal['a', 'b']", '{"total": 1.5, "name": "{id}", "kind": "a"}'),
        ("count: int", ""),  # no text to put the id into
        ("name: str\n colour: Colour", ""),  # a type that nothing is known of
        ("name: str\n self: Doc", ""),  # without end
    ],
)
def test_the_body_of_a_delivery_is_made_of_its_model(fields: str, body: str, tmp_path: Path) -> None:
    source = f"class Doc(BaseModel):\n {fields}\n@app.post('/docs')\ndef take(doc: Doc): ...\n"
    assert told(tmp_path, {"app.py": source}).body == body


FLASK = """
@app.post("/notes")
def create():
    note = request.get_json()
    save(note["text"], note["note_ref"], note.get("colour"), int(note["text"]))
"""
STARLETTE = """
async def create(request):
    print(config["x"], (await request.json())["kind"])
app = Starlette(routes=[Route("/notes", create, methods=["POST"])])
"""


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (FLASK, '{"text": "text", "note_ref": "{id}"}'),
        (STARLETTE, '{"kind": "{id}"}'),
        ("@app.post('/notes')\ndef create(): save(request.json['a'])", '{"a": "{id}"}'),
        ("@app.post('/notes')\ndef create(): save(config['a'])", ""),
    ],
)
def test_the_body_of_a_delivery_has_the_keys_that_a_handler_reads(source: str, body: str, tmp_path: Path) -> None:
    assert told(tmp_path, {"app.py": source}).body == body


def test_a_body_for_jsonb_has_no_text_that_it_refuses(tmp_path: Path) -> None:
    files = {"app.js": "app.put('/docs/:id', take)", "tables.sql": "CREATE TABLE docs (id text, content JSONB)"}
    assert told(tmp_path, files).body == '{"id": "{id}", "content": "{digest}"}'
