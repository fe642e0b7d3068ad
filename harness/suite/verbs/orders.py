"""Plays every order of the statements of two or three requests."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.engine.laying.testbed import Testbed
from harness.errors import UsageError
from harness.exit_status import ExitStatus
from harness.results.files import write_atomically
from harness.search.orders.interleaving import MIXES, Mix, OrderResult
from harness.search.orders.orders import read_order, written
from harness.search.orders.playing import OrderSettings, play_orders
from harness.suite.status import verdicts_status
from harness.suite.verbs.search import Search

SCHEMA = "harness.interleave/1"
JSON_FILE = "interleave.json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class OrderChoice:
    """Which orders to try. `only`: one of them; None is all."""

    mixes: Sequence[Mix]
    requests: int
    only: tuple[int, ...] | None

    @classmethod
    def of(cls, mixes: Sequence[Mix], requests: int, order: str | None) -> OrderChoice:
        """Parse the user's options. Raises UsageError."""
        only = None if order is None else tuple(read_order(order, requests))
        if only is not None and len(mixes) != 1:
            mend = "name one, such as --mix copies"
            raise UsageError.at("command line", "--mix", ", ".join(mixes), "an order belongs to one mix", mend=mend)
        return cls(mixes=tuple(mixes) or MIXES, requests=requests, only=only)


class Orders:
    """All orders of a verb. `judged` is called with each."""

    def __init__(self, search: Search, choice: OrderChoice, judged: Callable[[OrderResult], object]) -> None:
        self._search = search
        self._judged = judged
        self.choice = choice
        self.results: list[OrderResult] = []
        self.took_s = 0.0

    def play(self) -> ExitStatus:
        """Play the orders. Return their exit status."""
        only = self.choice.only
        with self._search.servers() as bed:
            self._search.progress("playing every order" if only is None else f"playing the order {written(only)}")
            began = time.monotonic()
            try:
                asyncio.run(self._go(bed))
            finally:
                self.took_s = time.monotonic() - began
        return verdicts_status({result.verdict for result in self.results})

    async def _go(self, bed: Testbed) -> None:
        choice = self.choice
        settings = OrderSettings(
            run=self._search.run, mixes=tuple(choice.mixes), requests=choice.requests, only=choice.only
        )
        await play_orders(bed, settings, repro=self._repro, told=self._tell)

    def _repro(self, mix: Mix, order: str) -> str:
        words = ("--mix", mix, "--copies", str(self.choice.requests), "--order", order)
        return self._search.line("interleave", *words)

    def _tell(self, result: OrderResult) -> None:
        self.results.append(result)
        self._judged(result)

    @property
    def counts(self) -> Mapping[str, int]:
        """The number of orders by verdict."""
        return Counter(result.verdict.value for result in self.results)

    def write(self, complete: bool, status: ExitStatus) -> None:
        """Write `interleave.json` into the run's folder."""
        data = {
            "schema": SCHEMA, "complete": complete, "exit_status": int(status),
            "run": dataclasses.asdict(self._search.info), "counts": dict(self.counts),
            "orders": [as_json(result) for result in self.results],
        }  # fmt: skip
        write_atomically(self._search.folder.path / JSON_FILE, json.dumps(data, indent=1) + "\n")


def as_json(result: OrderResult) -> dict[str, Any]:
    """One order, for programs."""
    return {
        "mix": result.mix, "requests": result.requests, "order": written(result.order),
        "verdict": result.verdict.value, "reason": result.reason, "failing_checks": list(result.failing),
        "statements": list(result.told), "answers": list(result.answers), "waits_for_locks": result.waits,
        "history": list(result.story), "repro": result.repro,
    }  # fmt: skip
