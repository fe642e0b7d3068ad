"""What the plugin costs those who use none of it, and how it goes together with an installed harness."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.protocols.registry import PROTOCOLS
from tests.tiny import CHECKOUT, completed, environment, write_suite

LIGHT = {
    "harness", "harness.errors", "harness.plugin", "harness.plugin.chaos", "harness.plugin.fixture",
    "harness.plugin.hooks", "harness.plugin.ids", "harness.plugin.options", "harness.plugin.phases",
    "harness.pytest_plugin",
    "harness.protocols", "harness.protocols.contract", "harness.protocols.contract.about", "harness.protocols.registry",
    *(f"harness.protocols.{protocol}{module}" for protocol in PROTOCOLS for module in ("", ".about")),
}  # fmt: skip
"""All that an ordinary run may import of the harness: its options, and what each protocol says of its own."""
HEAVY = {"asyncio", "asyncpg", "click", "httpx", "jinja2", "pydantic", "redis", "requests", "rich", "uvloop"}
NAMES = """
import sys

def test_ordinary() -> None:
    print("imported:", *sorted(sys.modules))
"""
DIST = "webhook_resilience_harness-0.1.0.dist-info"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder for PYTHONPATH by which the harness is installed, as `pip install -e` does it."""
    dist = tmp_path / "installed" / DIST
    dist.mkdir(parents=True)
    files = {
        "METADATA": "Metadata-Version: 2.1\nName: webhook-resilience-harness\nVersion: 0.1.0\n",
        "entry_points.txt": "[pytest11]\nharness = harness.pytest_plugin\n",
        "direct_url.json": f'{{"dir_info": {{"editable": true}}, "url": "file://{CHECKOUT}"}}',
        "RECORD": "".join(f"{DIST}/{name},,\n" for name in ("METADATA", "entry_points.txt", "direct_url.json")),
    }
    for name, text in files.items():
        (dist / name).write_text(text, "utf-8")
    return dist.parent


def _run(*command: str, cwd: Path, installed: Path) -> subprocess.CompletedProcess[str]:
    env = environment({"PYTHONPATH": f"{installed}:{CHECKOUT}"})
    return completed([sys.executable, "-m", *command], cwd=cwd, env=env)


def test_an_ordinary_run_imports_next_to_nothing_of_the_harness(tmp_path: Path, installed: Path) -> None:
    (tmp_path / "test_ordinary.py").write_text(NAMES, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    switched_off = [word for name in ("anyio", "asyncio", "hypothesispytest", "schemathesis", "xdist", "pytest_cov")
                    for word in ("-p", f"no:{name}")]  # fmt: skip
    found = _run("pytest", *switched_off, "-rP", "test_ordinary.py", cwd=tmp_path, installed=installed)
    line = next((line for line in found.stdout.splitlines() if line.startswith("imported:")), "")
    assert line, found.stdout + found.stderr
    names = line.split()[1:]
    assert "harness.pytest_plugin" in names
    assert {name for name in names if name.partition(".")[0] == "harness"} <= LIGHT
    assert HEAVY.isdisjoint(names)


def test_a_gate_of_an_installed_harness_runs_where_warnings_are_errors(tmp_path: Path, installed: Path) -> None:
    suite = write_suite(tmp_path)
    options = 'filterwarnings = ["error"]\nasyncio_default_fixture_loop_scope = "function"\n'
    (suite / "pyproject.toml").write_text(f"[tool.pytest.ini_options]\n{options}", "utf-8")
    found = _run("harness", "gate", "cot", cwd=suite, installed=installed)
    assert "closest valid: 'cut'" in found.stderr, found.stderr
