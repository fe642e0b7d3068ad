"""The pytest plugin's entry point: its hooks, the fixture by which a test becomes a scenario, and `chaos`."""

from harness.plugin.chaos import chaos, chaos_servers, chaos_stack
from harness.plugin.fixture import lab_of_a_scenario
from harness.plugin.hooks import (
    pytest_addoption,
    pytest_collection_finish,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_make_parametrize_id,
    pytest_pyfunc_call,
    pytest_report_collectionfinish,
    pytest_report_teststatus,
    pytest_runtest_makereport,
    pytest_runtest_setup,
    pytest_sessionfinish,
)

__all__ = [
    "chaos",
    "chaos_servers",
    "chaos_stack",
    "lab_of_a_scenario",
    "pytest_addoption",
    "pytest_collection_finish",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_make_parametrize_id",
    "pytest_pyfunc_call",
    "pytest_report_collectionfinish",
    "pytest_report_teststatus",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "pytest_sessionfinish",
]
