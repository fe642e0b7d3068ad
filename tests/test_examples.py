"""The examples that Hypothesis generates: the same in every run, or else a commit fails by chance."""

from __future__ import annotations

import pytest
from hypothesis import settings

from tests.conftest import EXPLORE, STEADY


def test_a_run_has_the_same_examples_each_time_unless_new_ones_are_asked_for(pytestconfig: pytest.Config) -> None:
    exploring = pytestconfig.getoption("--hypothesis-profile") == EXPLORE
    assert settings.get_current_profile_name() == (EXPLORE if exploring else STEADY)
    assert settings.default is not None
    assert settings.default.derandomize is not exploring
