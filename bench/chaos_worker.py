"""Runs experiments with Chaos Toolkit's own Python interface, in its environment, one after the other.

Reads one path of an experiment per line, and answers each with its status.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from chaoslib.experiment import (  # type: ignore[import-not-found]  # only in Chaos Toolkit's own environment
    ensure_experiment_is_valid,
    run_experiment,
)
from logzero import loglevel  # type: ignore[import-not-found]  # as above

from bench import chaos_steps


def main() -> None:
    """Serve until the input ends."""
    loglevel(40)  # errors: what it logs else would be written to a file by its command
    for line in sys.stdin:
        experiment = json.loads(Path(line.strip()).read_text("utf-8"))
        ensure_experiment_is_valid(experiment)
        chaos_steps.forget()
        print(run_experiment(experiment)["status"], flush=True)


if __name__ == "__main__":
    main()
