"""The verbs by name, with what `harness --help` says of each. A verb's module is imported when the verb is called.

Most verbs import most of the harness, which takes a second. The help, and a verb that needs little, need not wait.
"""

from __future__ import annotations

import gc
import sys
from collections import UserDict
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Final

import click


@dataclass(frozen=True, slots=True)
class Listed:
    """One verb. `folder`: of `harness/cli/verbs`. `says`: the first sentence of its help."""

    folder: str
    says: str


LISTED: Final[Mapping[str, Listed]] = {
    "ablate": Listed(
        "runs",
        "Run each scenario as it is, then each of its proofs: the control must hold, the ablated run must fail.",
    ),
    "answers": Listed(
        "runs", "Send every variant of the target's requests, and compare each answer with the approved one."
    ),
    "baseline": Listed("comparison", "The committed record of a good run, which the gate compares with."),
    "check": Listed(
        "setup",
        "Start the service once, send each request once, run each SQL once, and report what is wrong in target.toml.",
    ),
    "compare": Listed("comparison", "Run the scenarios under each profile, and compare the results side by side."),
    "coverage": Listed(
        "search", "Record the service's deliveries, and compare their fault space with the committed one."
    ),
    "demo": Listed("setup", "Break a careless service of sixty lines that comes with the harness."),
    "doctor": Listed("setup", 'Examine this machine: what was found, what it can do, and how to fix each "no".'),
    "faults": Listed(
        "setup",
        "List the faults: arguments, what each does, an example, what proves that it took effect, what it needs.",
    ),
    "gate": Listed("runs", "Run the scenarios against the service, judge them, and compare with the baseline."),
    "init": Listed("setup", "Write target.toml, scenarios, .gitignore and a CI job into a project's FOLDER."),
    "interleave": Listed(
        "search", "Hold every statement of some requests, and release them one by one, in every possible order."
    ),
    "new": Listed("setup", "Write scenarios/NAME.py: a scenario that runs at once, with a proof to fill in."),
    "replay": Listed(
        "runs",
        "Perform the steps of a schedule FILE, with the profile, the seed and the switched-off protections that it"
        " names.",
    ),
    "report": Listed("comparison", "Write report.html into the folder of RUN, and print its path."),
    "run": Listed("runs", "Run the named scenarios from their current files, at once."),
    "said": Listed("runs", "Compare the service's log lines and metrics of past runs with those that are approved."),
    "soak": Listed("runs", "Run the whole selection N times, each time with another seed."),
    "sweep": Listed(
        "search", "Break a delivery at every message, in every way that makes sense there, and after every byte."
    ),
    "trend": Listed(
        "comparison", "Compare past runs: RUNs are folders, names or summary files; by default all that are kept."
    ),
    "up": Listed("runs", "Start the servers of a target, and keep them running until Ctrl-C or SIGTERM."),
    "verify": Listed(
        "comparison", "Run the scenarios and their proofs against a candidate and against the release, and compare."
    ),
    "wrap": Listed("search", "Run COMMAND, with all its children, behind the relay, and report what it connects to."),
}
"""Every verb. A test compares each sentence with the verb's docstring."""


class Verbs(UserDict[str, click.Command]):
    """The verbs by name. Taking one imports its module; its name and its sentence are there without that."""

    def __init__(self) -> None:
        super().__init__({name: click.Command(name, help=listed.says) for name, listed in LISTED.items()})

    def __getitem__(self, name: str) -> click.Command:
        """Return the verb itself. Raises KeyError if there is no such verb."""
        module = f"{__package__}.verbs.{LISTED[name].folder}.{name}"
        verb: click.Command = getattr(_imported(module), name)
        return verb


class VerbGroup(click.Group):
    """A group whose help imports no verb."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sentence of every verb, as click shortens it."""
        sentences = self.commands.data if isinstance(self.commands, Verbs) else self.commands
        click.Group(commands=sentences).format_commands(ctx, formatter)


def _imported(module: str) -> ModuleType:
    """Import without the garbage collector: it would look at each object again and again, and next to none is garbage.

    Later collections do not look at what was imported, either.
    """
    if module in sys.modules:
        return sys.modules[module]
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
