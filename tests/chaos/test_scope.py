"""How long a test's databases last is a setting of pytest's ini file."""

from __future__ import annotations

import pytest

from harness.plugin.chaos import SCOPES, check_scope


def test_a_scope_that_does_not_exist_is_refused_in_words() -> None:
    for scope in SCOPES:
        check_scope(scope, "pytest.ini")
    with pytest.raises(
        pytest.UsageError, match=r"pytest.ini: harness_chaos_scope = 'sesion'.*closest valid: 'session'"
    ):
        check_scope("sesion", "pytest.ini")
