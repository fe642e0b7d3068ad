"""`python -m webhook` serves; `python -m webhook migrate` brings the schema up to date."""

import sys

from webhook.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
