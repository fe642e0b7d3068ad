"""Starts the service from inside its folder: `python main.py`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    # A script's own folder comes first on the path. The folder above it has to, so that this is the package `webhook`.
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

    from webhook.command import main

    sys.exit(main(sys.argv[1:]))
