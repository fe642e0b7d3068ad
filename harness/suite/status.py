"""Turns the verdicts of many runs into one exit status."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from harness.checks import Verdict
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.results import RunResult
from harness.results.ablation import WRONG, PairVerdict, ProofResult
from harness.results.finding import Finding


def exit_status(
    results: Sequence[RunResult],
    proofs: Iterable[ProofResult] = (),
    *,
    listed: Collection[str] = (),
    strict: bool = False,
    findings: Collection[Finding] = (),
) -> ExitStatus:
    """Failed outranks inconclusive outranks held. If no scenario ran, the status is never held.

    Ablated runs count by their proofs. A run that this machine cannot do is a failure, whatever its role, unless its
    id is `listed` and the suite is not `strict`. Findings beyond the runs count like verdicts, except warnings.
    """
    findings = [finding for finding in findings if not finding.warning]
    own = [result for result in results if result.role != "ablated"]
    verdicts = {result.verdict for result in own}
    pairs = {proof.judgement.verdict for proof in proofs}
    unlisted = [
        each for each in results if each.verdict is Verdict.UNAVAILABLE and (strict or each.key.id not in listed)
    ]
    wrong = [finding for finding in findings if not finding.inconclusive]
    if Verdict.FAILED in verdicts or pairs & WRONG or unlisted or wrong:
        return ExitStatus.FAILED
    if Verdict.INCONCLUSIVE in verdicts or PairVerdict.INCONCLUSIVE in pairs or findings:
        return ExitStatus.INCONCLUSIVE
    return ExitStatus.HELD if Verdict.HELD in verdicts else ExitStatus.NOTHING_RAN


def verdicts_status(verdicts: Collection[Verdict]) -> ExitStatus:
    """Return the status of plain verdicts: failed outranks inconclusive outranks held.

    No verdict at all is never held.
    """
    if Verdict.FAILED in verdicts:
        return ExitStatus.FAILED
    if set(verdicts) - {Verdict.HELD}:
        return ExitStatus.INCONCLUSIVE
    return ExitStatus.HELD if verdicts else ExitStatus.NOTHING_RAN


def status_of(error: BaseException | None) -> ExitStatus:
    """Return the status of a run that an error ended before all was run."""
    if isinstance(error, KeyboardInterrupt):
        return ExitStatus.INTERRUPTED
    return ExitStatus.USAGE if isinstance(error, UsageError) else ExitStatus.INCONCLUSIVE
