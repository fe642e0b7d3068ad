"""Which request a try belongs to, and what is judged where that is not sure."""

from __future__ import annotations

import time

from harness.history.events import Asks, Event, Purpose, RequestEnded, RequestSent, SentAgain, TriesCounted, TryMade
from harness.vocabulary import ACKNOWLEDGED, UNKNOWN
from tests.checks.support import DEADLINE_MS, digest_of, middle, rest

MS = 1_000_000
LIMITS = TriesCounted("postgres", 5, 1, 0, 10)


class Told:
    """A story in which everything happened a minute ago, at the milliseconds that the test says."""

    def __init__(self) -> None:
        self.story = middle()
        self._began_ns = time.monotonic_ns() - 60_000 * MS
        self._requests = 100
        self._events: list[Event] = []

    def request(self, delivery: str, began_ms: int, ended_ms: int, *, hung_up: bool = False) -> Told:
        self._requests += 1
        number, outcome = self._requests, UNKNOWN if hung_up else ACKNOWLEDGED
        sent = RequestSent(number, delivery, digest_of(delivery), 100, Purpose.SCENARIO.value, outcome)
        status = None if hung_up else 200
        self.story.tell_at(self.at(began_ms), sent)
        self.story.tell_at(self.at(ended_ms), RequestEnded(number, outcome, ended_ms - began_ms, status, "stored"))
        return self

    def tries(self, delivery: str, *tries: tuple[int, str], limits: TriesCounted = LIMITS) -> Told:
        made = tuple(TryMade(self.at(at_ms), answer, answer == "42501") for at_ms, answer in tries)
        self._events += [limits, SentAgain("postgres", "INSERT", delivery, made)]
        return self

    def failing(self, *stored: str) -> set[str]:
        return rest(self.story, "c", *stored).tell(*self._events).failing()

    def at(self, at_ms: int) -> int:
        return self._began_ns + at_ms * MS


def each(*at_ms: int, answer: str = "40001") -> list[tuple[int, str]]:
    return [(at, answer) for at in at_ms]


def test_copies_that_were_open_at_once_may_share_what_each_may_do() -> None:
    def both() -> Told:
        return Told().request("c", 0, 100).request("c", 50, 200)

    assert both().tries("c", *each(*range(1, 21))).failing() == set()
    assert both().tries("c", *each(*range(1, 22))).failing() == {"retries_capped"}
    assert both().tries("c", *each(60, 61, answer="42501")).failing() == set()
    assert both().tries("c", *each(60, 61, 62, answer="42501")).failing() == {"final_errors_end_it"}


def test_one_request_after_the_other_has_tries_of_its_own() -> None:
    one, other = range(1, 11), range(201, 211)
    assert Told().request("c", 0, 100).request("c", 200, 300).tries("c", *each(*one, *other)).failing() == set()
    found = Told().request("c", 0, 100).request("c", 200, 300).tries("c", *each(*one, *other, 211)).failing()
    assert found == {"retries_capped"}
    finals = each(1, 201, answer="42501")
    assert Told().request("c", 0, 100).request("c", 200, 300).tries("c", *finals).failing() == set()


def test_a_request_whose_client_has_left_may_be_under_way_until_its_deadline() -> None:
    before = int(DEADLINE_MS) - 1

    def left(after: int) -> Told:
        return Told().request("c", 0, 10, hung_up=True).request("c", 10 + after, 5_000)

    finals = each(5, 4_000, answer="42501")
    assert left(before).tries("c", *finals).failing() == set()
    assert left(before + 2).tries("c", *finals).failing() == set()
    late = each(5, 3_000, answer="42501")
    assert left(before).tries("c", *late).failing() == set(), "two requests, an error each: perhaps"
    assert left(before + 2).tries("c", *late).failing() == {"final_errors_end_it"}, "there was only one by then"


def test_a_request_about_no_delivery_hides_none_that_is_about_one() -> None:
    told = Told()
    told.story.tell_at(told.at(0), RequestSent(99, "", "", 0, Purpose.SAMPLE.value, asks=Asks.HEALTH.value))
    told.story.tell_at(told.at(5), RequestEnded(99, ACKNOWLEDGED, 5, 200))
    found = told.request("c", 10, 100).tries("c", *each(20, 30, answer="42501")).failing()
    assert found == {"final_errors_end_it"}


def test_the_same_id_of_another_source_is_no_retry() -> None:
    found = Told().request("c", 0, 100).request("neighbour/c", 50, 200)
    assert found.tries("c", *each(60, 61, answer="42501")).failing("neighbour/c") == set()


def test_what_names_no_delivery_is_of_the_one_request_that_is_open() -> None:
    finals = each(10, 20, answer="42501")
    assert Told().request("c", 0, 100).tries("", *finals).failing() == {"final_errors_end_it"}
    assert Told().request("c", 0, 100).request("c", 5, 15).tries("", *finals).failing() == set()
    assert Told().request("c", 0, 15).request("c", 16, 100).tries("", *finals).failing() == set()
    own = Told().request("c", 0, 100).tries("", *finals, (200, "42501"))
    assert own.failing() == set(), "the service sends it by itself, too"


def test_only_what_failed_is_tried_again() -> None:
    rows = [(at, "ok") for at in range(1, 40)]
    assert Told().request("c", 0, 100).tries("c", *rows, (40, "40001"), (41, "ok")).failing() == set()


def test_the_first_retry_may_follow_at_once_and_a_few_pauses_say_nothing() -> None:
    limits = TriesCounted("postgres", 5, 1, 0, 100, 3)
    at_once = [at for n in range(21) for at in (10 * n, 10 * n + 1)]

    def found(times: list[int]) -> set[str]:
        return Told().request("c", 0, 500).tries("c", *each(*times), limits=limits).failing()

    assert found([0, 1, *range(6, 6 + 20 * 5, 5)]) == set()
    assert found([2 * at for at in range(22)]) == {"retries_spaced"}
    assert found([2 * at for at in range(21)]) == set(), "nineteen pauses"
    assert found(at_once[:22]) == set(), "5 ms on average"


def test_the_worst_second_is_that_of_one_statement_over_all_requests() -> None:
    limits = TriesCounted("postgres", 5, 1, 0, 10, None, 3)

    def found(*second: int) -> set[str]:
        told = Told().request("c", 0, 3_000).request("d", 0, 3_000)
        told.tries("c", *each(0, 1, 2)).tries("d", *each(*second), limits=limits)
        return told.failing("d")

    assert found(0, 3) == set()
    assert found(0, 3, 4) == {"retries_capped"}
    assert found(0, 3, 1_002) == set()
