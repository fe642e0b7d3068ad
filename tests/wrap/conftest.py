from __future__ import annotations

from pathlib import Path

import pytest

from tests.wrap.support import Wrapping


@pytest.fixture
def wrapping(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Wrapping:
    return Wrapping(tmp_path, monkeypatch, capsys)
