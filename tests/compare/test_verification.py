from __future__ import annotations

import dataclasses
from html.parser import HTMLParser

from harness.checks import Verdict
from harness.compare.verification import Verification, verification
from harness.present.html.verify_page import html_page, markdown_page
from harness.results import RunResult
from harness.results.ablation import PairVerdict, ProofResult
from harness.results.model import SummaryRead
from tests.proof.made import own, proof, read, tried
from tests.results.made import summary_of

HELD, FAILED, INCONCLUSIVE, UNAVAILABLE = Verdict.HELD, Verdict.FAILED, Verdict.INCONCLUSIVE, Verdict.UNAVAILABLE
PING = proof("pool.pre_ping")
PROVED = tried("a", PING)
NASTY = '</script><script>alert(1)</script>"\x1b[2J|'


def side(*results: RunResult, proofs: tuple[ProofResult, ...] = ()) -> SummaryRead:
    return read(summary_of(*results, proofs=proofs))


def verified(
    candidate: SummaryRead,
    release: SummaryRead,
    *,
    known: tuple[str, ...] = (),
    whole: bool = True,
    excused: tuple[str, ...] = (),
) -> Verification:
    """`known`: scenarios that the candidate has, and that were not chosen."""
    ids = list(dict.fromkeys(run.id for run in candidate.runs))
    proofs = {name: [PING] for name in (*ids, *known)}
    return verification(candidate, release, ids, proofs, whole=whole, excused=excused)


def test_an_honest_candidate_may_be_released() -> None:
    found = verified(side(own("a"), proofs=(PROVED,)), side(own("a")))
    assert found.verdict == "May be released: 1 scenario held, 1 proof proved, nothing is worse."


def test_a_regression_names_what_was_and_what_is() -> None:
    masked = tried("a", PING, PairVerdict.MASKED)
    found = verified(side(own("a", FAILED), proofs=(masked,)), side(own("a"), proofs=(PROVED,)))
    assert found.verdict == "Do not release: 2 regressions."
    assert [each.sentence for each in found.regressions] == [
        "a is newly failed: it held in the release; now: outcome: 1 of 5: refused",
        "pool.pre_ping is no longer proved: the release has it proved by a; a pool.pre_ping is masked",
    ]


def test_a_protection_that_no_longer_bites_is_a_regression_though_all_held() -> None:
    found = verified(side(own("a"), proofs=(tried("a", PING, PairVerdict.UNPROVED),)), side(own("a"), proofs=(PROVED,)))
    assert [each.kind for each in found.regressions] == ["proof lost", "no longer proved"]


def test_what_the_release_fails_too_is_no_regression_and_not_sound() -> None:
    failed = tried("a", PING, PairVerdict.MASKED)
    found = verified(side(own("a", FAILED), proofs=(failed,)), side(own("a", FAILED), proofs=(failed,)))
    assert found.regressions == []
    assert found.verdict == "No regression, but the candidate is not sound: it fails what the release fails."
    assert found.as_before == [
        "a failed, as in the release: outcome: 1 of 5: refused",
        "a: pool.pre_ping is masked, in the release masked",
    ]


def test_a_scenario_that_the_release_did_not_run_hides_no_other() -> None:
    new = tried("a", PING, PairVerdict.MASKED)
    candidate = side(own("a", FAILED), own("b", FAILED), own("c", INCONCLUSIVE, reason="late"), proofs=(new,))
    found = verified(candidate, side(own("b", FAILED), own("c", FAILED)))
    assert found.as_before == ["b failed, as in the release: outcome: 1 of 5: refused"]
    assert found.not_told == [
        "a: not run",
        "c inconclusive: late; in the release failed: outcome: 1 of 5: refused",
    ]


def test_what_it_mends_is_told() -> None:
    found = verified(side(own("a")), side(own("a", FAILED)))
    assert found.better == ["a held: failed in the release: outcome: 1 of 5: refused"]
    assert found.verdict.startswith("May be released")


def test_what_could_not_be_told_is_no_release() -> None:
    for candidate, release in (
        (side(own("a", INCONCLUSIVE)), side(own("a", FAILED))),
        (side(own("a", FAILED)), side(own("a", INCONCLUSIVE))),
        (side(own("a", FAILED)), side(own("a", UNAVAILABLE))),
        (side(own("a"), proofs=(PROVED,)), side(own("a", INCONCLUSIVE))),
        (side(own("a"), proofs=(PROVED,)), side(own("a", UNAVAILABLE))),
        (side(own("a", UNAVAILABLE)), side(own("a", FAILED))),
        (side(own("a", UNAVAILABLE)), side(own("a", INCONCLUSIVE))),
        (side(own("a", INCONCLUSIVE)), side(own("a", UNAVAILABLE))),
        (side(own("a"), proofs=(tried("a", PING, PairVerdict.INCONCLUSIVE),)), side(own("a"))),
        (side(own("a"), proofs=(tried("a", PING, PairVerdict.UNPROVED),)), side(own("a"))),
        (side(own("a")), side(own("b"))),
    ):
        found = verified(candidate, release, known=("b",))
        assert found.verdict == "Undecided: not everything could be compared.", (candidate, release)
        assert found.not_told
        assert ">Undecided</h1>" in html_page(found, "verify")
        told = [(each.subject, each.kind, each.sentence, each.inconclusive) for each in found.findings("verify")]
        assert told == [("a", "not told", sentence, True) for sentence in found.not_told]


def test_what_could_not_be_told_says_what_each_side_showed() -> None:
    found = verified(side(own("a")), side(own("a", INCONCLUSIVE, reason="the service did not start")))
    assert found.not_told == ["a held; in the release inconclusive: the service did not start"]


def test_what_this_machine_runs_of_neither_is_counted_as_that() -> None:
    beyond = own("b", UNAVAILABLE, reason="needs own_redis: it is not there")
    candidate = side(own("a"), beyond, proofs=(PROVED, tried("a", PING, PairVerdict.UNAVAILABLE)))
    unlisted = verified(candidate, side(own("a"), beyond))
    assert unlisted.verdict == "Undecided: not everything could be compared."
    assert unlisted.not_told == [f"b {said}; in the release {said}" for said in [f"unavailable: {beyond.reason}"]]
    found = verified(candidate, side(own("a"), beyond), excused=("b",))
    shown = "1 scenario held, 1 scenario unavailable, 0 proofs proved, 1 proof unavailable"
    assert found.verdict == f"May be released: {shown}, nothing is worse."
    nothing = verified(side(beyond), side(beyond), excused=("b",))
    assert nothing.verdict == "Undecided: none of the scenarios could be run."
    assert ">Undecided</h1>" in html_page(nothing, "verify")


def test_a_scenario_that_the_candidate_no_longer_has_is_a_regression() -> None:
    found = verified(side(own("a"), proofs=(PROVED,)), side(own("a"), own("b", INCONCLUSIVE)))
    assert found.verdict == "Do not release: 1 regression."
    assert [(each.kind, each.sentence) for each in found.regressions] == [
        ("scenario gone", "b is gone: the release has it, and no scenario has this id now")
    ]


def test_a_scenario_that_was_not_chosen_is_not_gone() -> None:
    candidate, release = side(own("a"), proofs=(PROVED,)), side(own("a"), own("b", FAILED))
    assert verified(candidate, release, known=("b",)).verdict.startswith("May be released: 1 scenario held")
    assert verified(candidate, release, whole=False).verdict.startswith("May be released: 1 scenario held")


def test_what_is_newly_inconclusive_is_one_finding() -> None:
    found = verified(side(own("a", INCONCLUSIVE)), side(own("a")))
    assert [(each.kind, each.inconclusive) for each in found.findings("verify")] == [("newly inconclusive", True)]
    assert found.verdict == "Do not release: 1 regression."


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_is_one_file_and_what_a_service_says_stays_text() -> None:
    found = verified(side(own("a", FAILED, reason=NASTY)), side(own("a")))
    page = _Page()
    page.feed(html_page(found, "python -m harness verify"))
    assert page.tags.count("script") == 1, "its own: it copies the command"
    assert all(link.startswith("#") for link in page.links), "it needs nothing else"
    assert r'</script><script>alert(1)</script>"\x1b[2J|' in page.text
    assert page.tags.count("h1") == 1


def test_the_page_says_both_sides_and_how_to_repeat_it() -> None:
    release = side(own("a"))
    own_run = dataclasses.replace(release.run, revision="abc", target="old.toml")
    release = release.model_copy(update={"run": own_run})
    found = verified(side(own("a", FAILED, reason=NASTY)), release)
    text = markdown_page(found, "python -m harness verify --candidate c.toml")
    lines = text.splitlines()
    assert lines[0] == "# Do not release: 1 regression."
    assert any(line.startswith("- against: target `old.toml`") and "revision `abc`" in line for line in lines)
    assert "- repeat: `python -m harness verify --candidate c.toml`" in lines
    assert any(line.startswith("| a | held | failed |") for line in lines)
    assert "<script>" not in text


def test_it_is_data() -> None:
    data = verified(side(own("a", FAILED)), side(own("a"))).to_json()
    assert data["schema"] == "harness.verify/1"
    assert data["regressions"][0]["subject"] == "a"
    assert data["candidate"]["target"] == "scenarios/target.toml"
