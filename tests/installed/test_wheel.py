"""The package as its users get it: built, installed elsewhere than the checkout, and used there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from email.parser import HeaderParser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from harness.demo import FOLDER, SCENARIOS, copy_to
from harness.errors import UsageError
from tests.tiny import CHECKOUT, completed

SERVICE_LINES_MAX = 75
OF_OTHERS = {"pydantic_core"}
"""What a declared library brings along, and exports: pydantic."""
LOST = "acknowledged, but not stored"


def _pip(*words: str) -> None:
    done = completed([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words])
    assert done.returncode == 0, done.stdout + done.stderr


def _built(folder: Path) -> Path:
    _pip("wheel", "--no-deps", "--wheel-dir", str(folder), str(CHECKOUT))
    [wheel] = folder.glob("*.whl")
    return wheel


def _installed(wheel: Path, folder: Path) -> Path:
    """Return the `bin` of an environment that has the wheel, and what this Python has beside it."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    _pip("--python", str(python), "install", "--no-deps", "--no-compile", str(wheel))
    [packages] = (folder / "lib").glob("python*/site-packages")
    (packages / "beside.pth").write_text(f"{sysconfig.get_path('purelib')}\n", "utf-8")
    return python.parent


def _run(*words: str, cwd: Path, program: Path) -> subprocess.CompletedProcess[str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    env = {**kept, "PATH": f"{program.parent}:{os.environ['PATH']}"}
    return completed([str(program), *words], cwd=cwd, env=env)


def _check_contents(wheel: Path) -> None:
    """All files of the package are in it, and what an index shows."""
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
        [metadata] = [opened.read(name).decode() for name in names if name.endswith("/METADATA")]
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "harness"],
        cwd=CHECKOUT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert set(listed.stdout.split()) <= names
    assert "harness/py.typed" in names
    assert {name.partition("/")[0] for name in names if ".dist-info/" not in name} == {"harness"}
    head = HeaderParser().parsestr(metadata)
    assert head["Author"]
    assert "Typing :: Typed" in head.get_all("Classifier", [])
    assert len(head.get_all("Project-URL", [])) >= 3


# One test: what it builds and installs takes longer than all that is tried with it.
def test_an_installed_wheel_works_elsewhere(tmp_path: Path) -> None:
    wheel = _built(tmp_path / "wheel")
    _check_contents(wheel)
    program = _installed(wheel, tmp_path / "environment") / "harness"
    here = tmp_path / "elsewhere"
    here.mkdir()

    assert "demo" in _run("--help", cwd=here, program=program).stdout
    assert "wire.cut(at: Message" in _run("faults", cwd=here, program=program).stdout

    shown = _run("demo", "--jobs", "1", cwd=here, program=program)
    assert shown.returncode == 1, shown.stdout + shown.stderr
    assert "1 held, 4 failed, 0 inconclusive" in shown.stdout
    assert LOST in shown.stdout
    assert "next: " in shown.stdout
    results = here / ".results" / "latest"
    assert f"report: {(here / '.results').name}/{results.readlink()}/report.html" in shown.stdout
    assert "</html>" in (results / "report.html").read_text("utf-8")
    runs = json.loads((results / "summary.json").read_text("utf-8"))["runs"]
    assert len(runs) == 5
    assert all(run["evidence"] for run in runs)


def test_the_demo_is_copied_to_be_mended(tmp_path: Path) -> None:
    copy_to(tmp_path / "orders")
    copied = {file.relative_to(tmp_path / "orders") for file in (tmp_path / "orders").rglob("*.*")}
    assert copied == {file.relative_to(FOLDER) for file in (FOLDER / "service.py", *SCENARIOS.glob("*.*"))}
    assert (FOLDER / "service.py").read_text("utf-8").count("\n") <= SERVICE_LINES_MAX
    with pytest.raises(UsageError, match="exists already"):
        copy_to(tmp_path / "orders")


def test_what_the_harness_imports_is_declared() -> None:
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = [re.fullmatch(r"([a-z0-9-]+)>=[\d.]+,<[\d.]+", each) for each in project["dependencies"]]
    assert all(declared), "each has both limits"
    names = {found[1] for found in declared if found is not None}
    homes = packages_distributions()
    sources = "\n".join(file.read_text("utf-8") for file in (CHECKOUT / "harness").rglob("*.py"))
    imported = set(re.findall(r"^ *(?:from|import) (\w+)", sources, re.MULTILINE)) & set(homes)
    for module in imported - {"harness", *OF_OTHERS}:
        assert names & {home.lower().replace("_", "-") for home in homes[module]}, f"{module} is not declared"
