"""The command line: `python -m harness VERB`."""

from harness.cli.main import main

__all__ = ["main"]
