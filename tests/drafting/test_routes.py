"""The routes that `harness init` finds below their prefixes, and the body that it makes of a route's model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from harness.drafting.project import Asked, Project, found, written
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
        ({"a.py": NUMBERED}, "PUT", "/o/{number}", ""),
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
ASKED = """
@app.post("/notes")
def create():
    note = request.get_json(silent=True) or {}
    if not isinstance(note, dict) or not isinstance(note.get("account"), str) or not isinstance(note["cents"], int):
        return "no", 400
    if not isinstance(note.get("net"), (float, int)) or not isinstance(other.get("x"), str):
        return "no", 400
"""
STARLETTE = """
async def create(request):
    print(config["x"], (await request.json())["kind"])
app = Starlette(routes=[Route("/notes", create, methods=["POST"])])
"""


EXPRESS = """
app.get("/notes", (req, res) => res.json(req.body.nothing));
app.post("/notes", async (req, res) => {
  const { text, noteRef: ref, note_ref, colour = "red" } = req.body;
  save(req.body.kind, text);
});
"""


def test_the_body_of_a_delivery_has_the_keys_that_express_takes_out_of_it(tmp_path: Path) -> None:
    body = '{"text": "text", "noteRef": "text", "note_ref": "{id}", "colour": "text", "kind": "text"}'
    assert told(tmp_path, {"app.js": EXPRESS}).body == body


@pytest.mark.parametrize(
    ("source", "body"),
    [
        (FLASK, '{"text": 1, "note_ref": "{id}"}'),
        (ASKED, '{"account": "{id}", "cents": 1, "net": 1.5}'),
        (STARLETTE, '{"kind": "{id}"}'),
        ("@app.post('/notes')\ndef create(): save(request.json['a'])", '{"a": "{id}"}'),
        ("@app.post('/notes')\ndef create(): save(config['a'])", ""),
    ],
)
def test_the_body_of_a_delivery_has_the_keys_that_a_handler_reads(source: str, body: str, tmp_path: Path) -> None:
    assert told(tmp_path, {"app.py": source}).body == body


@pytest.mark.parametrize(
    ("tables", "word"),
    [
        ("CREATE TABLE notes (made_at timestamptz, note_ref uuid PRIMARY KEY, of_uuid text)", "{uuid}"),
        ("CREATE TABLE notes (other uuid, note_ref text PRIMARY KEY)", "{id}"),
        ("CREATE TABLE others (note_ref uuid); CREATE TABLE notes (note_ref text PRIMARY KEY)", "{id}"),
        (
            "class Note(Base):\n    __tablename__ = 'notes'\n    note_ref: Mapped[UUID] = column(primary_key=True)",
            "{uuid}",
        ),
        ("notes = Table('notes', meta, Column('note_ref', UUID, primary_key=True))", "{uuid}"),
        ("notes = Table('notes', meta, Column('note_ref', Text, primary_key=True), Column('b', UUID))", "{id}"),
    ],
)
def test_where_the_ids_column_takes_uuids_one_is_sent(tables: str, word: str, tmp_path: Path) -> None:
    project = told(
        tmp_path, {"app.js": 'app.post("/notes", f(request.body.note_ref))\napp.get("/notes/:id", g)', "t.sql": tables}
    )
    assert (project.sql, project.body) == ("SELECT note_ref AS id FROM notes", f'{{"note_ref": "{word}"}}')
    assert project.read == f"/notes/{word}"


FASTIFY = """
const note = { body: { type: "object", properties: { pages: { type: "integer" }, open: { "type": "boolean" } } } };
const Price = z.object({ cents: z.number().int() });
app.post("/notes", { schema: note }, async (request) => {
  const { note_ref, pages, open, cents } = request.body;
});
"""


def test_the_body_of_a_delivery_has_values_of_the_types_that_a_schema_asks_for(tmp_path: Path) -> None:
    body = '{"note_ref": "{id}", "pages": 1, "open": true, "cents": 1}'
    assert told(tmp_path, {"app.js": FASTIFY}).body == body


KEYED_GO = 'mux.HandleFunc("POST /notes", func() { key := r.Header.Get("Idempotency-Key") })'


@pytest.mark.parametrize(
    ("file", "source", "header"),
    [
        (
            "app.py",
            "@app.post('/notes')\ndef new(): key = request.headers.get('Idempotency-Key', '')",
            "idempotency-key",
        ),
        ("app.py", "@app.post('/notes')\ndef new(): key = request.headers['X-Request-Id']", "x-request-id"),
        ("app.py", "@app.post('/notes')\ndef new(idempotency_key: str = Header()): ...", "idempotency-key"),
        ("app.py", "@app.post('/notes')\ndef new(key: Annotated[str, Header(alias='Webhook-Id')]): ...", "webhook-id"),
        ("app.js", "app.post('/notes', (req, res) => save(req.get('Idempotency-Key')))", "idempotency-key"),
        ("app.js", "app.post('/notes', (req, res) => save(req.headers['x-event-id']))", "x-event-id"),
        ("main.go", KEYED_GO, "idempotency-key"),
        # The path has the id; a header of another meaning; another handler's header.
        ("app.py", "@app.put('/notes/{key}')\ndef new(): request.headers['Idempotency-Key']", ""),
        ("app.py", "@app.post('/notes')\ndef new(): key = request.headers['X-Api-Key']", ""),
        ("app.py", "@app.post('/notes')\ndef new(): ...\n@app.post('/b')\ndef b(): headers['Idempotency-Key']", ""),
    ],
)
def test_the_header_that_has_a_deliverys_id_is_found(file: str, source: str, header: str, tmp_path: Path) -> None:
    project = told(tmp_path, {file: source})
    assert (project.id_header, project.path[:6]) == (header, "/notes")
    written(tmp_path, project, harness="x")
    text = (tmp_path / "scenarios" / "target.toml").read_text("utf-8")
    assert (f', {header} = "{{id}}" }}' in text) == (header != "")
    assert ("TODO: what the service expects" in text) == (header == "" and project.method == "POST")


CORE = """
events = Table("events", metadata, Column("n", Integer, primary_key=True))
notes = Table(
    "notes",
    metadata,
    Column("body", LargeBinary),
    Column("key", String(200), primary_key=True),
)
"""


def test_a_table_of_sqlalchemys_core_is_listed_by_its_key(tmp_path: Path) -> None:
    files = {"app.py": "@app.post('/notes')\ndef new(): ...", "db.py": CORE}
    assert told(tmp_path, files).sql == "SELECT key AS id FROM notes"


GO = """
type wanted struct {
	Subject string   `json:"subject"`
	Code    string   `json:"code,omitempty" validate:"required"`
	Pieces  *int64   `json:"pieces"`
	Tags    []string `json:"tags"`
	Inner   other    `json:"inner"`
	hidden  string
}
type empty struct { Count int `json:"count"` }

func put(w http.ResponseWriter, r *http.Request) {
	var nothing empty
	var known, asked wanted
	json.NewDecoder(r.Body).Decode(&asked)
}
mux.HandleFunc("PUT /tickets/{ticket_ref}", put)
mux.HandleFunc("GET /livez", live)
if len(os.Args) > 1 && os.Args[1] == "migrate" {
	pool.Exec(ctx, "CREATE TABLE tickets (serial bigserial PRIMARY KEY, ticket_ref text UNIQUE, code text)")
}
"""


def test_of_go_the_program_its_migration_the_body_and_the_ids_column_are_found(tmp_path: Path) -> None:
    project = told(tmp_path, {"main.go": GO, "go.mod": "module example.test/tools/tickets/v2\n\ngo 1.26\n"})
    assert ([*project.command], [*project.prepare]) == (["./tickets"], ["./tickets", "migrate"])
    assert (project.method, project.path, project.alive) == ("PUT", "/tickets/{id}", "/livez")
    assert project.body == '{"subject": "text", "code": "{id}", "pieces": 1, "tags": []}'
    assert project.sql == "SELECT ticket_ref AS id FROM tickets", "what the path is called, before what the body has"


@pytest.mark.parametrize(
    ("source", "body"),
    [
        ("x := new(T)\njson.Unmarshal(raw, &x)", '{"a": "{id}"}'),
        ("x := T{}\nc.ShouldBindJSON(&x)", '{"a": "{id}"}'),
        ("var x Unknown\njson.Unmarshal(raw, &x)", ""),
        ("var x T", ""),
    ],
)
def test_the_body_in_go_is_of_the_struct_that_a_document_is_read_into(source: str, body: str, tmp_path: Path) -> None:
    text = f'type T struct {{ A string `json:"a"` }}\n{source}\nmux.HandleFunc("POST /things", take)\n'
    assert told(tmp_path, {"main.go": text, "go.mod": ""}).body == body


@pytest.mark.parametrize("runs", ["node other.js", "node ./server.js"])
def test_a_program_that_migrates_by_its_first_argument_prepares(runs: str, tmp_path: Path) -> None:
    files = {
        "server.js": "if (process.argv[2] === 'migrate') make()",
        "package.json": f'{{"scripts": {{"start": "{runs}"}}}}',
    }
    project = told(tmp_path, files)
    assert [*project.prepare] == (["node", "./server.js", "migrate"] if "server" in runs else [])


def test_a_body_for_jsonb_has_no_text_that_it_refuses(tmp_path: Path) -> None:
    files = {"app.js": "app.put('/docs/:id', take)", "tables.sql": "CREATE TABLE docs (id text, content JSONB)"}
    assert told(tmp_path, files).body == '{"id": "{id}", "content": "{digest}"}'
