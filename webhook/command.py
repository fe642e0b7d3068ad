"""The command line: `serve` (the default) and `migrate`."""

import sys
from collections.abc import Sequence

from webhook.configuration.settings import SettingsError, load_database_url, load_settings

USAGE = "usage: python -m webhook [serve | migrate]"
EXIT_SETTINGS = 2


def main(arguments: Sequence[str]) -> int:
    """Run the command and return the process's exit status; 2 for wrong arguments or settings."""
    verb = arguments[0] if arguments else "serve"
    if verb not in ("serve", "migrate") or len(arguments) > 1:
        sys.stderr.write(f"{' '.join(arguments)!r} is no command of the webhook service.\n{USAGE}\n")
        return EXIT_SETTINGS
    try:
        return _migrate() if verb == "migrate" else _serve()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_SETTINGS


def _serve() -> int:
    settings = load_settings()
    from webhook.service import serve  # noqa: PLC0415 - `migrate` and wrong settings need no server

    return serve(settings)


def _migrate() -> int:
    url = load_database_url()
    from webhook.migrate import migrate  # noqa: PLC0415 - Alembic costs 100 ms that serving must not pay

    return migrate(url)
