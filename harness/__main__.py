"""`python -m harness`, and the `harness` script."""

import sys

from harness.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
