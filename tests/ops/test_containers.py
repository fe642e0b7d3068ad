"""The containers: what can be tried without an engine, which is all but the containers themselves."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest
import yaml

from harness.polling import poll_async
from harness.processes.keeper import Keeper, ProcessSpec
from harness.protocols.postgres.running.binaries import find_postgres
from harness.protocols.postgres.server import PostgresServer
from harness.stack import Stack
from harness.stack.tcp.ports import free_port
from harness.stack.toxiproxy.build import TOXIPROXY_MODULE, TOXIPROXY_VERSION

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "compose.yaml"
DOCKERFILES = sorted((ROOT / "ops").glob("*.Dockerfile"))
INSTRUCTION = re.compile(r"^(FROM|COPY|RUN|USER|ENV|WORKDIR|EXPOSE|HEALTHCHECK|ENTRYPOINT|CMD)\b")
WITHIN_S = 60.0
STATE = "SELECT sync_state FROM pg_stat_replication WHERE application_name = 'standby1'"


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text("utf-8"))["services"]
    return found


def test_compose_takes_it() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(COMPOSE)]
    checked = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert checked.returncode == 0, checked.stdout


def test_every_file_that_compose_names_is_there() -> None:
    named = [mount.partition(":")[0] for each in services().values() for mount in each.get("volumes", ())]
    named += [each["build"]["dockerfile"] for each in services().values() if "build" in each]
    assert len(named) >= 5
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_services_wait_for_services_that_there_are() -> None:
    everyone = services()
    for name, each in everyone.items():
        for other, how in each.get("depends_on", {}).items():
            assert other in everyone, name
            if how["condition"] == "service_healthy":
                dockerfile = everyone[other].get("build", {}).get("dockerfile")
                has = "healthcheck" in everyone[other] or "HEALTHCHECK" in (ROOT / str(dockerfile)).read_text("utf-8")
                assert has, f"{name} waits for {other}, which never says that it is healthy"


def test_no_two_of_them_want_one_port() -> None:
    ports = re.findall(r"(?:port=|\"--port\", \"|-port\", \"|listen-address=127.0.0.1:|_PORT: \")(\d+)",
                       COMPOSE.read_text("utf-8"))  # fmt: skip
    assert len(ports) == 7
    assert len(set(ports)) == 7


def test_prometheus_asks_where_the_service_listens() -> None:
    config = yaml.safe_load((ROOT / "ops" / "prometheus.yml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    port = services()["service"]["environment"]["WEBHOOK_PORT"]
    assert job["static_configs"] == [{"targets": [f"127.0.0.1:{port}"]}]
    target = tomllib.loads((ROOT / "scenarios" / "target.toml").read_text("utf-8"))["alerts"]
    assert job["job_name"] == target["job"]
    assert config["global"]["scrape_interval"] == f"{target.get('scrape_interval_s', 15)}s"


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.name)
def test_a_dockerfile_copies_what_there_is_and_ends_without_rights(path: Path) -> None:
    lines = [line for line in path.read_text("utf-8").splitlines() if INSTRUCTION.match(line)]
    copied = [line.split()[1:-1] for line in lines if line.startswith("COPY") and "--from" not in line]
    assert copied
    assert [name for names in copied for name in names if not (ROOT / name).exists()] == []
    last = lines[max(number for number, line in enumerate(lines) if line.startswith("FROM")) :]
    assert [line.split()[1] for line in last if line.startswith("USER")][-1:] not in ([], ["root"], ["0"])
    assert len([line for line in lines if line.startswith("FROM")]) >= 2


def test_the_harness_image_has_the_toxiproxy_that_is_tried() -> None:
    text = (ROOT / "ops" / "harness.Dockerfile").read_text("utf-8")
    assert f"go install {TOXIPROXY_MODULE}/cmd/server@{TOXIPROXY_VERSION}" in text
    assert f"shopify/toxiproxy:{TOXIPROXY_VERSION.removeprefix('v')}" in COMPOSE.read_text("utf-8")


def test_the_service_image_installs_what_the_service_says_that_it_needs() -> None:
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]["webhook"]
    listed = [line for line in _text("webhook.in").splitlines() if not line.startswith("#")]
    assert listed == [re.split(r"[><=]", name)[0] for name in extra]
    locked = re.findall(r"^([a-z0-9_.-]+)(?:\[[a-z]+\])?==(\S+)", _text("webhook.txt"), re.MULTILINE)
    everything = dict(re.findall(r"^([a-z0-9_.-]+)(?:\[[a-z]+\])?==(\S+)", _text("dev.txt"), re.MULTILINE))
    assert {re.split(r"\[", name)[0] for name in listed} <= {name for name, _ in locked}
    assert {name: version for name, version in locked if everything.get(name) != version} == {}


def _text(name: str) -> str:
    return (ROOT / "requirements" / name).read_text("utf-8")


async def _asked(url: str, query: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


@pytest.mark.asyncio
async def test_the_script_makes_a_standby_that_the_primary_waits_for(keeper: Keeper, stack: Stack) -> None:
    server = stack.of(PostgresServer)
    url, binaries = server.url(), find_postgres("embedded")
    folder = Path(str(await _asked(url, "SHOW data_directory"))).parent
    where, port = urlsplit(url), free_port()
    process = keeper.spawn(
        ProcessSpec(
            name="standby", argv=(str(ROOT / "ops" / "standby.sh"),), cwd=folder, log=folder / "standby-script.log",
            env={
                "PATH": f"{binaries.folder}:{os.environ['PATH']}", "PGHOST": "127.0.0.1",
                "PGPORT": str(where.port), "PGUSER": str(where.username), "PGPASSWORD": str(where.password),
                "PGDATA": str(folder / "compose-standby"), "STANDBY_PORT": str(port), "SOCKETS": "", "LC_ALL": "C",
            },
            as_user="mapped" if os.geteuid() == 0 else "same",
        )
    )  # fmt: skip
    admin = await asyncpg.connect(url)
    try:

        async def synchronous() -> bool:
            return await admin.fetchval(STATE) == "sync" or process.poll() is not None

        assert await poll_async(synchronous, within_s=WITHIN_S), process.log.tail()
        assert process.poll() is None, process.log.tail()
        assert await _asked(url.replace(f":{where.port}/", f":{port}/"), "SELECT pg_is_in_recovery()")
    finally:
        await asyncio.to_thread(process.stop)
        await admin.execute("ALTER SYSTEM RESET synchronous_standby_names")
        await admin.execute("SELECT pg_reload_conf()")
        await admin.close()
