"""Options that several verbs share."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.errors import UsageError
from harness.plugin.options import DEFAULTS, HELP, SOURCES
from harness.present.terminal.screen import Verbosity
from harness.stack.servers.configuration import StackConfiguration, configuration_of
from harness.suite import SuiteSettings
from harness.suite.settings import RESULTS, SCENARIOS, SUITES, names_given


def help_of(name: str, *, default: bool = False) -> str:
    """Return the help of an option that pytest has too. `default`: append the default value."""
    text = HELP[name]
    shown = f"  [default: {DEFAULTS[name]}]" if default else ""
    return f"{text[:1].upper()}{text[1:]}.{shown}"


CommandT = TypeVar("CommandT", bound=Callable[..., Any])

STACK: tuple[Any, ...] = (
    *(
        click.option(f"--{name}", metavar="X", default=DEFAULTS[name], show_default=True, help=help_of(name))
        for name in SOURCES
    ),
    click.option("--server", "named", metavar="NAME=X", multiple=True,
                 help=help_of("server")),
    click.option("--allow-host", metavar="HOST", multiple=True,
                 help=help_of("allow-host")),
)  # fmt: skip
JOBS_MAX = 16
JOBS_BY_DEFAULT_MAX = 4


def jobs_here() -> int:
    """Return one job more than this process may use cores, up to a limit: a run waits for a third of its time."""
    return min(len(os.sched_getaffinity(0)) + 1, JOBS_BY_DEFAULT_MAX)


class Seconds(click.FloatRange):
    """A finite time in seconds that is greater than 0."""

    name = "seconds"

    def __init__(self) -> None:
        super().__init__(min=0, min_open=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Parse the option's value."""
        seconds = float(super().convert(value, param, ctx))
        if not math.isfinite(seconds):
            self.fail(f"{seconds} is not a number of seconds.", param, ctx)
        return seconds


_SCENARIOS = click.option(
    "--scenarios", type=click.Path(path_type=Path), default=SCENARIOS, show_default=True, metavar="DIR",
    help="The folder of scenarios.",
)  # fmt: skip
_TARGET = click.option(
    "--target", type=click.Path(path_type=Path), metavar="FILE",
    help=help_of("target", default=True),
)  # fmt: skip
_RESULTS = click.option(
    "--results", type=click.Path(path_type=Path), default=RESULTS, show_default=True, metavar="DIR",
    help=help_of("results"),
)  # fmt: skip
_PATIENCE = click.option(
    "--patience", type=Seconds(), metavar="S",
    help=help_of("patience", default=True),
)  # fmt: skip
SUITE: tuple[Any, ...] = (_SCENARIOS, _TARGET, _RESULTS)
PLACES: tuple[Any, ...] = (_SCENARIOS, _RESULTS, _PATIENCE)
WHICH_SUITE = click.option(
    "--suite", type=click.Choice(SUITES), default="own", show_default=True,
    help="The scenarios beside the target, or the standard suite, which needs only the target.",
)  # fmt: skip
WHERE: tuple[Any, ...] = (_SCENARIOS, _TARGET, _RESULTS, _PATIENCE)
SEED = click.option("--seed", type=int, default=0, show_default=True, metavar="N", help=help_of("seed"))
STRICT = click.option(
    "--strict", is_flag=True,
    help=help_of("strict"),
)  # fmt: skip
JOBS = click.option(
    "--jobs", type=click.IntRange(1, JOBS_MAX), default=jobs_here, envvar="HARNESS_JOBS", show_envvar=True, metavar="N",
    show_default="one more than cores, 4 at most", help="Scenarios that run at once, each on its own servers.",
)  # fmt: skip
PLAN: tuple[Any, ...] = (
    click.option("--profile", metavar="P", help=help_of("profile", default=True)),
    click.option("--without", multiple=True, metavar="NAME",
                 help=help_of("without")),
    SEED,
)  # fmt: skip
"""The options that say which configuration of the service runs."""
WHAT: tuple[Any, ...] = (*PLAN, STRICT)
PROOFS = click.option("--proofs", is_flag=True, help="Also try every proof of each scenario, changed or not.")
BASELINE = click.option(
    "--baseline", type=click.Path(path_type=Path), metavar="FILE",
    help="The baseline.  [default: baseline.json beside the scenarios]",
)  # fmt: skip
OUTPUT: tuple[Any, ...] = (
    click.option("--json", "as_json", is_flag=True,
                 help="Write the summary to standard output, everything else to standard error."),
    click.option("-q", "--quiet", "verbosity", flag_value=Verbosity.QUIET.value, type=int,
                 help="Show only what did not hold, and the counts."),
    click.option("-v", "--verbose", "verbosity", flag_value=Verbosity.VERBOSE.value, type=int,
                 help="Show steps and figures, too."),
)  # fmt: skip
ALLURE = click.option(
    "--allure", type=click.Path(path_type=Path, file_okay=False), metavar="DIR",
    help="Write Allure's result files into this folder, too.",
)  # fmt: skip
JUDGED: tuple[Any, ...] = (*OUTPUT, ALLURE)
"""The output's options of a verb that runs scenarios."""


def options(*groups: tuple[Any, ...]) -> Callable[[CommandT], CommandT]:
    """Decorate a command with all options of these groups."""

    def decorate(command: CommandT) -> CommandT:
        for option in reversed([option for group in groups for option in group]):
            command = option(command)
        return command

    return decorate


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """How a verb reports. `allure`: the folder for Allure's files, if they are wanted."""

    as_json: bool
    verbosity: Verbosity
    allure: Path | None = None


def output_of(given: dict[str, Any]) -> Output:
    """Take the output's options out of the given ones."""
    verbosity = given.pop("verbosity")
    return Output(as_json=given.pop("as_json"), verbosity=Verbosity(verbosity or 0), allure=given.pop("allure", None))


def stack_of(given: dict[str, Any]) -> StackConfiguration:
    """Take the stack's options out of the given ones."""
    places = {name: given.pop(name) for name in SOURCES}
    return configuration_of(places, given.pop("named"), given.pop("allow_host"))


def check_proofs(settings: SuiteSettings, *, proofs: bool) -> None:
    """Raise UsageError if proofs are to be tried while a protection is already off."""
    if proofs and settings.without:
        off = ", ".join(settings.without)
        raise UsageError.at("command line", "--without", off, "each proof itself says what is off", mend="leave it out")


def settings_of(given: dict[str, Any]) -> SuiteSettings:
    """Turn the options of WHERE, and of WHAT and STACK (if the verb has them), into settings."""
    stack = stack_of(given) if "toxiproxy" in given else StackConfiguration()
    return SuiteSettings(
        scenarios=given["scenarios"],
        suite=given.get("suite", "own"),
        target=given["target"],
        results=given["results"],
        patience_s=given["patience"],
        profile=given.get("profile"),
        without=names_given(given.get("without", ())),
        seed=given.get("seed", 0),
        strict=given.get("strict", False),
        jobs=given.get("jobs", 1),
        stack=stack,
    )
