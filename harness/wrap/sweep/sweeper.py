"""Runs a command unbroken, twice, and then once for each break."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from harness.checks import Verdict
from harness.errors import HarnessError
from harness.protocols.contract.speech import fingerprint
from harness.relay import Fired
from harness.results.cause import Cause
from harness.results.text import counted, listed, one_line, shortened, telling_lines
from harness.wrap.hops import Catching
from harness.wrap.observed import SeenConnections, ServerSeen
from harness.wrap.sweep.cells import RULE, Cell, plan
from harness.wrap.sweep.outcomes import Outcomes, asking_pytest, outcomes_in, report_named
from harness.wrap.sweep.results import FIXTURE_FAILED, TEST_FAILED, CellResult, SweepFound, symptom_of
from harness.wrap.sweep.statements import Recorded, statements_of
from harness.wrap.wrapping import Command, Wrapper

LIMIT_LEAST_S: Final = 30.0
LIMIT_TIMES: Final = 10
"""A broken run is ended after this many times the unbroken run's time."""
EVIDENCE_CHARACTERS: Final = 100
TESTS_NAMED: Final = 3
TEST_NOT_RUN: Final = "a test was not run"
NOT_RUN: Final = {"skipped": "it was skipped", "": "it is not in the report"}
"""Outcomes of a broken run that say nothing about a test that passed unbroken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What to sweep.

    `only`: a part of the ids of breaks. `budget_s`: for all breaks. `junit`: the report that the command writes.
    """

    only: str = ""
    budget_s: float
    junit: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One run of the command. `status`: None if it was ended. `tests`: None without a report."""

    status: int | None
    took_s: float
    saw: SeenConnections
    tests: Outcomes | None
    log: Path
    recorded: Sequence[Recorded] = ()
    fired: Sequence[Fired] = ()
    near: Sequence[str] = ()

    @property
    def failed(self) -> Mapping[str, str]:
        """The tests that failed, and why."""
        return {} if self.tests is None else self.tests.reasons


@dataclass(slots=True)
class Sweeper:
    """One sweep. `folder` gets the logs; `tell` gets each result as it comes."""

    wrapper: Wrapper
    command: Command
    choice: Choice
    folder: Path
    tell: Callable[[CellResult], None]
    progress: Callable[[str], None]
    found: SweepFound = field(default_factory=SweepFound)
    _names: dict[str, str] = field(default_factory=dict)
    _number: int = 0

    async def play(self) -> None:
        """Run it. Raises HarnessError if the unbroken command fails, or does not do the same twice."""
        self.folder.mkdir(parents=True, exist_ok=True)
        first = await self._unbroken("the first run")
        self.found.took_s = first.took_s
        self.found.tests = None if first.tests is None else len(first.tests.outcomes)
        known = [server for server in first.saw.servers if server.protocol]
        self._names = _names(known)
        second = await self._unbroken("the second run", known)
        _check_same(first, second)
        steady = [each for each in known if each.address in {other.address for other in second.saw.servers}]
        shared = statements_of(first.recorded, second.recorded, self._names)
        planned = plan(shared.statements, [self._names[each.name] for each in steady], self.choice.only)
        self.found.planned = len(planned.cells)
        self._leave_out(shared.unsteady, planned.thinned, len(known) - len(steady))
        self._leave_out_unread(known)
        await self._break_all(planned.cells, known, first)

    def _leave_out(self, unsteady: int, thinned: int, moved: int) -> None:
        told = self.found.left_out
        if moved:
            told.append(f"{counted(moved, 'server')} that only one of two unbroken runs used, at that address")
        if unsteady:
            told.append(f"{counted(unsteady, 'statement')} that only one of two unbroken runs had, or in another order")
        if thinned:
            told.append(f"{counted(thinned, 'statement')} equal to others, which were planned")

    def _leave_out_unread(self, known: Sequence[ServerSeen]) -> None:
        for server in known:
            if server.is_opaque or server.not_understood:
                why = "TLS" if server.begins_in_tls or server.agreed_on_tls else "not a protocol that the harness knows"
                self.found.left_out.append(f"what {self._names[server.name]} was asked and could not be read: {why}")

    async def _break_all(self, cells: Sequence[Cell], known: Sequence[ServerSeen], unbroken: Trial) -> None:
        until = time.monotonic() + self.choice.budget_s
        for at, cell in enumerate(cells):
            if time.monotonic() + unbroken.took_s > until:
                left = cells[at:]
                names = listed([str(each) for each in left], TESTS_NAMED)
                self.found.left_out.append(f"{counted(len(left), 'break')} for lack of time (--budget): {names}")
                return
            self.progress(f"{at + 1} of {len(cells)}: {cell}")
            result = _judged(cell, self._hop(cell), await self._broken(cell, known, unbroken), unbroken)
            self.found.cells.append(result)
            self.tell(result)

    # ------------------------------------------------------------------ runs

    async def _unbroken(self, what: str, known: Sequence[ServerSeen] = ()) -> Trial:
        self.progress(f"{what}, with nothing broken")
        trial = await self._run(known, recording=True, limit_s=None)
        if trial.status:
            why = _why(trial)
            told = f"{what}, in which nothing is broken, ends with status {trial.status}: {why}"
            raise HarnessError(told, hint=f"sweep a command that succeeds; its output is in {trial.log}")
        return trial

    async def _broken(self, cell: Cell, known: Sequence[ServerSeen], unbroken: Trial) -> Trial:
        limit_s = max(LIMIT_LEAST_S, LIMIT_TIMES * unbroken.took_s)
        return await self._run(known, recording=False, limit_s=limit_s, cell=cell)

    async def _run(
        self, known: Sequence[ServerSeen], *, recording: bool, limit_s: float | None, cell: Cell | None = None
    ) -> Trial:
        self._number += 1
        log, report = self.folder / f"{self._number:04}.log", self._report
        report.unlink(missing_ok=True)
        command = replace(self.command, env=asking_pytest(self.command.env, report))
        async with self.wrapper.caught(command) as catching:
            await catching.lay(known, recording=recording)
            if cell is not None:
                await self._arm(catching, cell)
            began = time.monotonic()
            running = await self.wrapper.run(command, catching, log=log)
            with running.forwarding():
                status = await running.wait(limit_s)
            took_s = time.monotonic() - began
            if running.signals:
                raise KeyboardInterrupt
            saw = await catching.saw()
            trial = Trial(status=status, took_s=took_s, saw=saw, tests=outcomes_in(report), log=log)
            if recording:
                names = [server for server in saw.servers if server.protocol]
                recorded = [Recorded(each, await catching.control.recording(each.name)) for each in names]
                return replace(trial, recorded=recorded)
            if cell is None or cell.statement is None:
                return trial
            near = await catching.control.near_misses(RULE)
            return replace(trial, fired=await catching.control.fired(RULE), near=near)

    async def _arm(self, catching: Catching, cell: Cell) -> None:
        hop = self._hop(cell)
        rule = cell.rule(hop)
        if rule is None:
            await catching.control.refuse(hop, True)
        else:
            await catching.control.arm(rule)

    def _hop(self, cell: Cell) -> str:
        return next(hop for hop, name in self._names.items() if name == cell.server)

    @property
    def _report(self) -> Path:
        named = self.choice.junit or report_named(self.command.argv)
        return self.folder / "tests.xml" if named is None else self.command.cwd / named


def _names(servers: Sequence[ServerSeen]) -> dict[str, str]:
    """The servers' names, by their hops: the protocol, and the port if several have the same protocol."""
    counts = Counter(server.protocol for server in servers)
    return {
        server.name: server.protocol if counts[server.protocol] == 1 else f"{server.protocol}:{server.address.port}"
        for server in servers
    }


def _why(trial: Trial) -> str:
    """The messages of the failed tests, or otherwise the log's most telling last line."""
    if trial.failed:
        return listed([f"{test}: {reason}" for test, reason in trial.failed.items()], TESTS_NAMED)
    text = trial.log.read_text("utf-8", "replace")
    [telling] = telling_lines(text) or ("it wrote nothing",)
    return one_line(telling)


def _check_same(first: Trial, second: Trial) -> None:
    if first.tests is None or second.tests is None or first.tests.outcomes == second.tests.outcomes:
        return
    one, other = first.tests.outcomes.items(), second.tests.outcomes.items()
    differing = sorted({test for test, _ in one ^ other})
    told = f"two runs in which nothing is broken differ: {listed(differing, TESTS_NAMED)}"
    raise HarnessError(told, hint="sweep a command that does the same in each run, and cleans up after itself")


# ---------------------------------------------------------------------- judging


def _judged(cell: Cell, hop: str, trial: Trial, unbroken: Trial) -> CellResult:
    evidence = _evidence(cell, hop, trial)
    failed = {test: why for test, why in trial.failed.items() if test not in unbroken.failed}
    gone = _not_run(trial, unbroken)
    cause = _cause(cell, trial, failed, gone)
    said = CellResult(
        cell=cell, verdict=Verdict.HELD, reason="", evidence=evidence, tests=failed, took_s=trial.took_s,
        log=trial.log.name,
    )  # fmt: skip
    if problem := _no_evidence(cell, evidence, trial):
        return replace(said, verdict=Verdict.INCONCLUSIVE, reason=problem)
    if cause is None:
        trial.log.unlink()
        return replace(said, log="")
    return replace(said, verdict=Verdict.FAILED, reason=_changed(trial, failed, gone), cause=cause)


def _evidence(cell: Cell, hop: str, trial: Trial) -> Sequence[str]:
    if cell.statement is None:
        refused = sum(each.connects for each in trial.saw.servers if each.name == hop)
        return (
            [f"{counted(refused, 'connect')} led to the relay, which refused {'it' if refused == 1 else 'them'}"]
            if refused
            else []
        )
    return [
        f"the relay: {fired.message} {shortened(one_line(fired.text), EVIDENCE_CHARACTERS)!r},"
        f" connection {fired.connection} (port {fired.service_port})"
        for fired in trial.fired
    ]


def _no_evidence(cell: Cell, evidence: Sequence[str], trial: Trial) -> str:
    """Why the break had no effect; "" if it had one."""
    statement = cell.statement
    if statement is None:
        return "" if evidence else "the command did not connect to this server"
    if not trial.fired:
        near = f"; the nearest: {one_line(trial.near[0])}" if trial.near else ""
        return f"the statement did not come in this run{near}"
    struck = fingerprint(statement.protocol, trial.fired[0].text)
    return "" if struck == statement.shape else f"it struck another statement in this run: {struck}"


def _not_run(trial: Trial, unbroken: Trial) -> Mapping[str, str]:
    """Tests that passed in the unbroken run and were now skipped or are missing: a finding, even if the status is 0."""
    if trial.tests is None or unbroken.tests is None:
        return {}
    now = trial.tests.outcomes
    passed = [test for test, outcome in unbroken.tests.outcomes.items() if outcome == "passed"]
    return {test: NOT_RUN[now.get(test, "")] for test in passed if now.get(test, "") in NOT_RUN}


def _changed(trial: Trial, failed: Mapping[str, str], gone: Mapping[str, str]) -> str:
    if trial.status is None:
        return f"it did not end within {trial.took_s:.0f} s, and was killed"
    if failed:
        return listed([f"{test}: {why}" for test, why in failed.items()], TESTS_NAMED)
    if trial.status:
        return f"exit status {trial.status}: {_why(trial)}"
    return listed([f"{test}: {what}" for test, what in gone.items()], TESTS_NAMED)


def _cause(cell: Cell, trial: Trial, failed: Mapping[str, str], gone: Mapping[str, str]) -> Cause | None:
    """What changed the result; None if it is the same as in the unbroken run."""
    if trial.status is None:
        return Cause("it did not end", (), (cell.server,))
    if failed and trial.tests is not None:
        test, why = next(iter(failed.items()))
        check = TEST_FAILED if trial.tests.outcomes[test] == "failed" else FIXTURE_FAILED
        return Cause(check, (symptom_of(why),), (cell.server,))
    if trial.status:
        return Cause("its exit status changed", (symptom_of(_why(trial)),), (cell.server,))
    if gone:
        return Cause(TEST_NOT_RUN, (next(iter(gone.values())),), (cell.server,))
    return None
