"""What every pytest run of this checkout needs: the harness's plugin, and the suite's own file names."""

from importlib.metadata import entry_points

import pytest

INSTALLED = any(point.value == "harness.pytest_plugin" for point in entry_points(group="pytest11"))

pytest_plugins = ["pytester", *([] if INSTALLED else ["harness.pytest_plugin"])]


def pytest_configure(config: pytest.Config) -> None:
    """Collect every module in `scenarios`: they are named for what fails, not `test_...`."""
    config.addinivalue_line("python_files", "scenarios/*.py")
