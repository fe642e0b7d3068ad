"""What `harness up` says of the servers that it has brought up."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from harness.engine.laying.testbed import Testbed
from harness.results.repro import harness_words
from harness.suite import SuiteSettings


def standing_lines(bed: Testbed, settings: SuiteSettings) -> Iterator[str]:
    """What runs where, and how it is used. A password is shown only where it was made for this stack."""
    yield f"up for {settings.target_file}, until Ctrl-C:"
    for name, server in bed.stack.all_servers.items():
        yield f"  {name:10} {server.version:10} {server.shown_url}"
    yield f"  {'logs':10} {'':10} {bed.logs}"
    yield "A scenario on it, as the files are now:"
    yield f"  {shlex.join([*harness_words(), 'run', 'ID'])}"
