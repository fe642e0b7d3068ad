"""Results folders for tests of the report: as a gate leaves them, but made by hand."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from html.parser import HTMLParser
from pathlib import Path

from harness import postgres
from harness.checks import CheckResult, Verdict
from harness.engine.steps import Deliver, Inject
from harness.faults import link
from harness.history import Recorder, recording
from harness.history.events import (
    AtRest,
    Counted,
    Event,
    EvidenceSeen,
    FaultActed,
    FaultHealed,
    Healthy,
    Named,
    PhaseBegan,
    Purpose,
    Recovered,
    RequestEnded,
    RequestSent,
    RowsRead,
    RunBegan,
    ServiceEnded,
    ServiceLog,
    ServiceStarted,
    StepBegan,
    StepEnded,
)
from harness.present.maps.fault_map import FaultMap, MapRow, Sign, write_maps
from harness.results import Evidence, RunKey, RunResult
from harness.results.folder import ResultsFolder
from harness.results.summary import Summary
from harness.vocabulary import ACKNOWLEDGED, UNKNOWN, Outcome
from tests.results.made import ablated, made, proof_of, summary_of

NASTY = (
    "</script></style><script>window.owned=1</script><img src=x onerror=window.owned=1>\"'`{{7*7}}\x1b[2J\u202e\x00]]>"
)
"""What a service might answer, log or be called, to get into the page."""
SECOND = 1_000_000_000
BEGAN_NS = 1000 * SECOND
WALL_CLOCK = "2026-02-25T10:11:12+00:00"


class Teller:
    """Writes a history, second by second."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._requests = 0

    def at(self, seconds: float, event: Event, lane: str = "runner") -> None:
        self._recorder.record(lane, event, t_ns=BEGAN_NS + int(seconds * SECOND))

    def count(self, seconds: float, **numbers: float) -> None:
        """Connections to postgres, by the kernel's word."""
        for what, seen in numbers.items():
            self.at(seconds, Counted("postgres", what, seen, "kernel"), lane="counts")

    def request(
        self, sent_s: float, took_s: float, outcome: Outcome, purpose: Purpose, *, delivery: str, answer: str
    ) -> None:
        number = self._requests
        self._requests += 1
        self.at(sent_s, RequestSent(number, delivery, "0" * 64, 10, purpose, ACKNOWLEDGED))
        status = 200 if outcome == ACKNOWLEDGED else 500
        self.at(sent_s + took_s, RequestEnded(number, outcome, 1e3 * took_s, status, answer))


def write_history(path: Path, *, text: str = "fine", outcome: Outcome = UNKNOWN, requests: int = 2) -> None:
    """A run whose fault is in force from 1 s to 3 s after the run began, and in which `text` is everywhere."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with recording(path) as recorder:
        tell = Teller(recorder)
        tell.at(0, RunBegan(text, "hardened", (), 7, "target.toml", 6000.0, WALL_CLOCK))
        tell.at(0.1, PhaseBegan("steady"))
        tell.count(0.25, open=5, connecting=0, other=0)
        tell.at(0.2, ServiceStarted(1, 2, 100.0))
        tell.request(0.3, 0.01, ACKNOWLEDGED, Purpose.HEALTHY, delivery="healthy", answer="stored")
        tell.at(0.4, Healthy(10.0, 1))
        tell.at(0.5, PhaseBegan("scenario"))
        tell.at(0.6, StepBegan(1, Inject((link.cut(postgres),))))
        tell.at(1, FaultActed(1, Named(text) if text != "fine" else link.cut(postgres)))
        tell.at(1.1, StepEnded(1))
        tell.at(1.2, StepBegan(2, Deliver(requests)))
        for number in range(requests):
            tell.request(1.3 + number / 1e3, 1, outcome, Purpose.SCENARIO, delivery=f"{text}{number}", answer=text)
        tell.count(1.05, open=0)
        tell.count(2.0, open=5, connecting=2)
        tell.at(2.1, Counted(text if text != "fine" else "pool", "in use", None, "service"))
        tell.at(2.5, EvidenceSeen(1, "connections_cut", "kernel", text))
        tell.at(3, FaultHealed(1))
        tell.at(3.1, ServiceLog(f"Traceback (most recent call last):\n  File x\nValueError: {text}\n"))
        tell.at(3.2, Recovered(20.0))
        tell.count(3.25, open=5, connecting=0, other=0)
        tell.at(3.3, AtRest("connections", 16, 15, "postgres"))
        tell.at(3.4, RowsRead(()))
        tell.at(3.5, ServiceEnded(1, -9, "end"))


def result(folder: Path, verdict: Verdict = Verdict.HELD, *, text: str = "fine", **changes: object) -> RunResult:
    """A run with its history and its service's log, in a results folder."""
    key = changes.pop("key", RunKey("idle_pool_cut", "hardened"))
    history = folder / "history" / f"{len(list((folder / 'history').glob('*'))) if folder.exists() else 0}.jsonl"
    write_history(history, text=text, outcome=ACKNOWLEDGED if verdict is Verdict.HELD else UNKNOWN)
    failed = verdict is Verdict.FAILED
    stored = CheckResult("stored_once", False, saw=f"2 rows: {text}", observations=2)
    answers = CheckResult("outcome", failed, f"1 of 2: {text}" if failed else "", saw="2 of 2", observations=2)
    reason = "" if verdict is Verdict.HELD else f"outcome: 1 of 2: {text}"
    given = {
        "key": key,
        "history": history,
        "checks": (stored, answers),
        "reason": reason,
        "evidence": (Evidence("connections_cut", "kernel", BEGAN_NS, text),),
        "repro": f"python -m harness gate {text}",
        **changes,
    }
    return made(verdict, **given)


def write_results(folder: Path, summary: Summary) -> Path:
    """Write the summary, and a log of a server with a line before, in and after the fault's time."""
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    (folder / "summary.json").write_text(summary.text(ResultsFolder(folder).relative), "utf-8")
    times = {"before": "10:11:10.000", "during": "10:11:14.000", "after": "10:11:20.000"}
    lines = [f"2026-02-25 {time} UTC [1] LOG:  {word} the fault\n" for word, time in times.items()]
    (folder / "logs" / "postgres.log").write_text("".join(lines), "utf-8")
    return folder


def hostile_results(folder: Path) -> Path:
    """Results in which everything that a service or a suite can name is an attack."""
    bad = result(folder, Verdict.FAILED, text=NASTY, key=RunKey(NASTY, NASTY, (NASTY,)), theme=NASTY)
    doubtful = result(folder, Verdict.INCONCLUSIVE, text=NASTY, key=RunKey("second", NASTY))
    second = ablated(Verdict.FAILED, reason=NASTY, checks=(CheckResult("outcome", True, NASTY),))
    matrix = {"ablation": {"matrix": {"profile": NASTY, "protections": [NASTY]}}}
    proofs = [proof_of(made(), second)]
    summary = summary_of(bad, doubtful, made(), second, proofs=proofs, exit_status=1, sections=matrix)
    info = dataclasses.replace(summary.info, command=NASTY, platform=NASTY, versions={NASTY: NASTY})
    write_results(folder, dataclasses.replace(summary, info=info))
    write_maps(folder, made_map(NASTY))
    for name in ("postgres", f"{bad.key}".replace("/", "_")[:60]):
        with (folder / "logs" / f"{name}.log".replace("\x00", "")).open("a", encoding="utf-8") as log:
            log.write(f"2026-02-25 10:11:14.500 UTC {NASTY}\n")
    return folder


def plain_results(folder: Path) -> Path:
    """Two themes; one run failed, one held, one was inconclusive, one proof is proved; and a matrix."""
    failed = result(folder, Verdict.FAILED, key=RunKey("redis_down", "hardened"), theme="redis")
    held = result(folder, key=RunKey("idle_pool_cut", "hardened"))
    doubt = result(folder, Verdict.INCONCLUSIVE, key=RunKey("redis_slow", "hardened"), theme="redis")
    second = result(
        folder, Verdict.FAILED, key=RunKey("idle_pool_cut", "hardened", ("pool.pre_ping",)), role="ablated",
        service_log="connection is closed",
    )  # fmt: skip
    runs: Sequence[RunResult] = (failed, held, doubt, second)
    matrix = {"ablation": {"matrix": {"profile": "hardened", "protections": ["pool.pre_ping", "pool.recycle"]}}}
    folder.mkdir(parents=True, exist_ok=True)
    write_maps(folder, made_map())
    return write_results(folder, summary_of(*runs, proofs=[proof_of(held, second)], exit_status=1, sections=matrix))


def made_map(text: str = "> Query COMMIT", *, link: str = "sweep.html") -> Sequence[FaultMap]:
    """A map of bytes and one of actions, of two messages each, in which `text` is everywhere."""
    signs = (
        Sign(letter="F", meaning=f"failed: {text}", tone="failed", count=1),
        Sign(letter="h", meaning="held", tone="held", count=8),
    )
    rows = (
        MapRow(group=text, label=text, told=text, runs=((0, 1, "h"), (2, 2, "F"))),
        MapRow(group=text, label="second", told="second", runs=((0, 5, "h"),)),
    )
    columns = tuple(f"{text}{n}" for n in range(6))
    swept = FaultMap(of="sweep", title=text, about=(text,), signs=signs, rows=rows, link=link)
    return [swept, swept.model_copy(update={"of": "coverage", "columns": columns})]


class Markup(HTMLParser):
    """What a browser would find in a page: elements with their attributes, and the text of some."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, Mapping[str, str]]] = []
        self.text: dict[str, str] = {}
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        self._open = tag

    def handle_data(self, data: str) -> None:
        self.text[self._open] = self.text.get(self._open, "") + data

    def having(self, wanted: Callable[[str, Mapping[str, str]], bool]) -> list[tuple[str, Mapping[str, str]]]:
        return [(tag, attributes) for tag, attributes in self.elements if wanted(tag, attributes)]
