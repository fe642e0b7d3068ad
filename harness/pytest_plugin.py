"""The pytest plugin's entry point: its hooks, and the fixture by which a test becomes a scenario."""

from harness.plugin.fixture import lab_of_a_scenario
from harness.plugin.hooks import (
    pytest_addoption,
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_make_parametrize_id,
    pytest_pyfunc_call,
    pytest_report_collectionfinish,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_sessionfinish,
)

__all__ = [
    "lab_of_a_scenario",
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_make_parametrize_id",
    "pytest_pyfunc_call",
    "pytest_report_collectionfinish",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
]
