"""Servers that stay up compile the templates once, for all runs on them."""

from __future__ import annotations

import pytest
from jinja2 import Environment

from harness.present.templates import compile_templates, rendered


def test_a_compiled_template_is_not_compiled_again(monkeypatch: pytest.MonkeyPatch) -> None:
    compile_templates()
    monkeypatch.setattr(Environment, "compile", lambda *_: pytest.fail("it was compiled again"))
    assert "the file ended early" in rendered("broken.html.j2", problem="the file ended early")
