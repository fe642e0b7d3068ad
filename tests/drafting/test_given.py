"""Services whose ids are numbers, chosen by their clients or given by themselves, and those that change and remove."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.drafting.project import Asked, found, written
from harness.target import load_target

FLASK = """
import os
app = create_app()

@app.post("/expenses")
def create():
    key = request.headers.get("Idempotency-Key", "")

@app.get("/expenses/<int:number>")
def read(number: int): ...

@app.put("/expenses/<int:number>")
def change(number: int): ...

@app.delete("/expenses/<int:number>")
def remove(number: int): ...

@app.get("/healthz")
def health(): ...
"""
EXPENSES = "CREATE TABLE expenses (id BIGSERIAL PRIMARY KEY, idempotency_key TEXT NOT NULL UNIQUE, title TEXT);"
CARGO = '[package]\nname = "vouchers"\n'
AXUM = """
#[derive(Deserialize)]
struct Voucher { customer: String, cents: i64, paid: bool }

async fn put(State(app): State<App>, Path(number): Path<i64>, body: Result<Json<Voucher>, JsonRejection>) -> Response {}
async fn show(State(app): State<App>, Path(number): Path<i64>) -> Response {}
async fn remove(State(app): State<App>, Path(number): Path<i64>) -> Response {}

async fn main() {
    if std::env::args().nth(1).as_deref() == Some("migrate") { return migrate().await; }
    let url = std::env::var("DATABASE_URL")?;
    let routes = Router::new()
        .route("/live", get(|| async { "live" }))
        .route("/vouchers/{number}", get(show).put(put).delete(remove));
}
"""
VOUCHERS = "CREATE TABLE vouchers (number BIGINT PRIMARY KEY, customer TEXT);"


def write(folder: Path, **texts: str) -> None:
    for name, text in texts.items():
        file = folder / name.replace("__", "/").replace("_DOT_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")


def test_a_service_that_gives_its_own_ids_is_read_and_changed_by_them(tmp_path: Path) -> None:
    write(tmp_path, expenses__app_DOT_py=FLASK, schema_DOT_sql=EXPENSES, gunicorn_DOT_conf_DOT_py="bind = ':8000'")
    project = found(tmp_path, Asked(links={"postgres": "DATABASE_URL"}))
    assert project.command == ["{python}", "-m", "gunicorn", "expenses.app:app", "--bind", "127.0.0.1:{service.port}"]
    written(tmp_path, project, harness="harness")
    described = load_target(tmp_path / "scenarios" / "target.toml").description
    assert described.reads["one"].path == "/expenses/{given}"
    assert described.sender.gives is not None
    changes = {name: (each.method, each.path, each.removes) for name, each in described.changes.items()}
    assert changes == {
        "changed": ("PUT", "/expenses/{given}", False),
        "removed": ("DELETE", "/expenses/{given}", True),
    }
    assert described.stored.sql == "SELECT idempotency_key AS id FROM expenses"


def test_a_module_that_connects_when_it_is_run_creates_the_tables(tmp_path: Path) -> None:
    write(tmp_path, shop__migrate_DOT_py="with psycopg.connect(URL) as connection:\n    connection.execute(TABLES)\n")
    assert found(tmp_path, Asked()).prepare == ["{python}", "-m", "shop.migrate"]
    write(tmp_path, shop__migrate_DOT_py="def migrate():\n    with psycopg.connect(URL): ...\n")
    assert found(tmp_path, Asked()).prepare == ()


def test_a_service_of_axum_whose_clients_choose_numbers_needs_no_line_by_hand(tmp_path: Path) -> None:
    write(tmp_path, Cargo_DOT_toml=CARGO, src__main_DOT_rs=AXUM, schema_DOT_sql=VOUCHERS)
    project = found(tmp_path, Asked())
    assert project.command == ["./target/release/vouchers"]
    assert project.prepare == ["./target/release/vouchers", "migrate"]
    assert (project.method, project.path, project.read) == ("PUT", "/vouchers/{number}", "/vouchers/{number}")
    assert project.body == '{"customer": "{id}", "cents": 1, "paid": true}'
    assert (project.changes, project.alive, project.unhandled) == (("DELETE",), "/live", "panicked at")
    written(tmp_path, project, harness="harness")
    described = load_target(tmp_path / "scenarios" / "target.toml").description
    assert described.changes["removed"].removes
    assert described.sender.gives is None


FASTAPI = """
@app.post("/orders/{ref}")
async def create(ref: str):
    try:
        save(ref)
    except UniqueViolation:
        raise HTTPException(status_code=409)
"""
EXPRESS = """
app.post('/orders/:ref', async (req, res) => {
  if (error.code === '23505') return res.status(409).json({ error: 'exists' });
});
"""
GO = """
http.HandleFunc("POST /orders/{ref}", func(w http.ResponseWriter, r *http.Request) {
    if errors.As(err, &known) && known.Code == "23505" { w.WriteHeader(http.StatusConflict); return }
})
"""
COMPARES = FASTAPI.replace("(status_code=409)", "(status_code=409, detail='another order has this reference')")


@pytest.mark.parametrize(
    ("name", "source", "status"),
    [
        ("app_DOT_py", FASTAPI, ["409"]),
        ("app_DOT_js", EXPRESS, ["409"]),
        ("main_DOT_go", GO, ["409"]),
        ("app_DOT_py", COMPARES, None),
        ("app_DOT_py", FLASK, None),
    ],
)
def test_a_status_that_says_that_a_repeat_is_stored_already_is_described(
    tmp_path: Path, name: str, source: str, status: list[str] | None
) -> None:
    write(tmp_path, **{name: source})
    written(tmp_path, found(tmp_path, Asked(alive="/alive", command="run")), harness="harness")
    already = load_target(tmp_path / "scenarios" / "target.toml").description.outcomes.already
    assert (None if already is None else already.status) == status
