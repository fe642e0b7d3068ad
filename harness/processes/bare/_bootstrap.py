"""Runs a module of the harness in a bare interpreter: `python -I -S _bootstrap.py MODULE ARGUMENT...`.

Without -S the interpreter also imports from its site-packages. The packages' `__init__` modules are skipped: they
import third-party packages, which a bare interpreter does not have and should not wait for.
"""

import sys
from importlib import import_module
from types import ModuleType


def _open_package(name: str, folder: str) -> None:
    package = ModuleType(name)
    package.__path__ = [folder]
    sys.modules[name] = package


def _main() -> None:
    root = __file__.rpartition("/processes/bare/")[0]
    _open_package("harness", root)
    for package in ("processes", "processes.keeper", "processes.syscalls", "relay", "vocabulary"):
        _open_package(f"harness.{package}", f"{root}/{package.replace('.', '/')}")
    module, *arguments = sys.argv[1:]
    sys.exit(import_module(module).main(arguments))


if __name__ == "__main__":
    _main()
