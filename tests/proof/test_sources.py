from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.proof.sources import digests
from harness.results.places import Location
from harness.search.orders.asked import order_scenarios
from harness.target import load_target
from tests.proof.made import proof, scenario
from tests.tiny import CHECKOUT

SOURCE = """\
from harness import Lab, proves

LOST = "lost"


@proves("retry", fails="outcome", match=LOST)
async def test_a(lab: Lab) -> None:
    await lab.deliver()


@proves("retry", fails="outcome", match=LOST)
async def test_b(lab: Lab) -> None:
    await lab.deliver(2)
"""


def digested(folder: Path, text: str, *, match: str = "lost") -> dict[str, str]:
    """Of `a` and `b`, as they stand in that text."""
    (folder / "theme.py").write_text(text, "utf-8")
    lines = text.splitlines()
    begins = [number for number, line in enumerate(lines, 1) if line.startswith("@proves")]
    about = proof("retry", match=match)
    placed = zip("ab", begins, strict=True)
    both = [scenario(name, about, location=Location("elsewhere/theme.py", line)) for name, line in placed]
    return dict(digests(both, folder))


def test_only_what_has_changed_has_another_digest(tmp_path: Path) -> None:
    before = digested(tmp_path, SOURCE)
    after = digested(tmp_path, SOURCE.replace("deliver(2)", "deliver(3)"))
    assert before["a"] == after["a"]
    assert before["b"] != after["b"]
    assert before["a"] != before["b"]


@pytest.mark.parametrize(
    ("old", "new"),
    [("await lab.deliver()", "await lab.deliver()  # said"), ("\n\n\n", "\n\n\n\n"), ('"outcome"', "'outcome'")],
)
def test_comments_lines_and_quotes_do_not_count(tmp_path: Path, old: str, new: str) -> None:
    assert digested(tmp_path, SOURCE) == digested(tmp_path, SOURCE.replace(old, new))


def test_what_the_file_has_beside_its_scenarios_counts_for_all(tmp_path: Path) -> None:
    before, after = digested(tmp_path, SOURCE), digested(tmp_path, SOURCE.replace('LOST = "lost"', 'LOST = "gone"'))
    assert before["a"] != after["a"]
    assert before["b"] != after["b"]


def test_what_a_proof_looks_for_counts_wherever_it_is_written(tmp_path: Path) -> None:
    assert digested(tmp_path, SOURCE)["a"] != digested(tmp_path, SOURCE, match="other")["a"]


def test_orders_count_by_what_the_target_asks_for(tmp_path: Path) -> None:
    target = load_target(CHECKOUT / "scenarios" / "target.toml")

    def of(**wanted: object) -> str:
        asked = target.description.interleavings
        assert asked is not None
        changed = {"interleavings": asked.model_copy(update=wanted)}
        asking = dataclasses.replace(target, description=target.description.model_copy(update=changed))
        (orders,) = order_scenarios(asking)
        return digests([orders], tmp_path)[orders.id]

    assert of() == of()
    assert of() != of(mixes=("copies",)), "a mix less is less to prove"
    assert of() != of(fails="nothing_foreign")


def test_a_source_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"nowhere\.py:3: the source of a is not there"):
        digests([scenario("a", location=Location("nowhere.py", 3))], tmp_path)
    (tmp_path / "nowhere.py").write_text(SOURCE, "utf-8")
    with pytest.raises(HarnessError, match=r"nowhere\.py:3: a does not begin here"):
        digests([scenario("a", location=Location("nowhere.py", 3))], tmp_path)
