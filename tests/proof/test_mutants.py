"""The list of mutants: reading it, placing its entries, and what a mutant's run says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from harness.checks import CheckResult, Verdict
from harness.errors import UsageError
from harness.plugin.collection import collect_scenarios
from harness.proof.mutant_results import MutantVerdict, counted, equivalent, judge_mutant, judge_unrun
from harness.proof.mutants import FILE, Mutant, MutantList, read_mutants
from harness.proof.mutating import place_all, write_copy, write_mutated
from harness.results import RunKey, RunResult
from harness.search.orders.asked import order_scenarios
from harness.target import load_target
from tests.proof.made import own
from tests.results.made import made
from tests.tiny import CHECKOUT

SCENARIOS = CHECKOUT / "scenarios"
IDS = ["query_cut_in_flight", "idle_pool_cut"]
HEAD = 'schema = "harness.mutants/1"\ncopies = ["shop"]\n'
SOURCE = '''\
LIMIT = 3


class Till:
    """Takes money."""

    @property
    def open(self) -> bool:
        return LIMIT > 0

    async def take(self, money: int) -> int:
        if money > LIMIT:
            raise ValueError(money)
        return money

    async def give(self, money: int) -> int:
        if money > LIMIT:
            raise ValueError(money)
        return -money
'''


def entry(**changes: Any) -> dict[str, Any]:
    given = {
        "id": "takes_all", "file": "shop/till.py", "where": "Till.take", "before": "money > LIMIT",
        "after": "False", "scenario": "idle_pool_cut", "fails": "outcome", "match": "refused",
    }  # fmt: skip
    return {key: value for key, value in {**given, **changes}.items() if value is not None}


def mutant(**changes: Any) -> Mutant:
    return Mutant(**entry(**changes))


def toml(*entries: dict[str, Any], head: str = HEAD) -> str:
    return head + "".join(
        "[[mutant]]\n" + "".join(f"{key} = {value!r}\n" for key, value in each.items()) for each in entries
    )


def read(tmp_path: Path, text: str) -> MutantList:
    file = tmp_path / FILE
    file.write_text(text, "utf-8")
    return read_mutants(file, IDS)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "till.py").write_text(SOURCE, "utf-8")
    return tmp_path


def placed(shop: Path, *mutants: Mutant, copies: tuple[str, ...] = ("shop",)) -> str:
    texts = place_all(MutantList(Path(FILE), copies, mutants), shop)
    return texts[mutants[0].id]


def test_an_entry_is_read_as_it_stands(tmp_path: Path) -> None:
    listed = read(tmp_path, toml(entry(without=["retry.database"]), entry(id="other", match="lost|gone")))
    assert listed.copies == ("shop",)
    assert [each.id for each in listed.mutants] == ["takes_all", "other"]
    assert listed.mutants[0] == mutant(without=("retry.database",))
    assert listed.mutants[1].proof.match == "lost|gone"
    assert listed.select(["other"]) == [listed.mutants[1]]
    assert listed.select(["shop/till.py"]) == list(listed.mutants) == listed.select([])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("schema = 1", "schema = 1: input should be 'harness.mutants/1'"),
        (toml(head='schema = "harness.mutants/1"\ncopies = "shop"\n'), "copies = 'shop': needs a list"),
        (toml(head=HEAD + "copy = 1\n"), "copy = 1: there is no such key; closest valid: 'copies'"),
        (HEAD + "mutant = 3\n", "mutant = 3: needs a list"),
        (HEAD + "[[mutant]\n", "not TOML: "),
        (toml(entry(befor="x")), "mutant[0] (takes_all): befor = 'x': there is no such key; closest valid: 'before'"),
        (
            toml(entry(before=None)),
            "mutant[0] (takes_all): before = None: this key is missing\n  mend: add before to",
        ),
        (toml(entry(after=None)), "after = None: this key is missing"),
        (toml(entry(after=3)), "after = 3: needs a text"),
        (toml(entry(id="a/b")), "id = 'a/b': not a name that a folder can have"),
        (toml(entry(file="../till.py")), "file = '../till.py': not below the service's directory"),
        (toml(entry(), entry()), "id = 'takes_all': two mutants have this id"),
        (toml(entry(scenario="idle_pol_cut")), "no scenario has this id; closest valid: 'idle_pool_cut'"),
        (toml(entry(scenario=None)), "scenario = None: this key is missing\n  mend: name the scenario"),
        (toml(entry(fails="outcom")), "fails = 'outcom': no such check; closest valid: 'outcome'"),
        (toml(entry(match=None)), "match = '': outcome can fail for many reasons, so the proof must name its own"),
        (toml(entry(match="expected")), "match = 'expected': is found in every failure of outcome"),
        (toml(entry(match="(")), "match = '(': not a regular expression"),
        (toml(entry(without="retry")), "without = 'retry': needs a list"),
        (toml(entry(equivalent="nobody knows")), "no scenario can notice what cannot be told from the service"),
    ],
)
def test_bad_input_is_told_with_the_place_and_the_mend(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as problem:
        read(tmp_path, text)
    assert said in str(problem.value)
    assert str(tmp_path / FILE) in str(problem.value)
    assert "mend: " in str(problem.value)


def test_a_list_that_is_not_there_is_told_with_the_nearest(tmp_path: Path) -> None:
    read(tmp_path, toml(entry()))
    with pytest.raises(UsageError, match=r"there is no such file; closest valid: '.*mutants\.toml'"):
        read_mutants(tmp_path / "mutant.toml", IDS)


def test_a_word_that_names_no_mutant_is_told_with_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="closest valid: 'takes_all'"):
        read(tmp_path, toml(entry())).select(["take_all"])


def test_the_change_is_made_in_the_named_function_alone(shop: Path) -> None:
    changed = placed(shop, mutant())
    assert changed == SOURCE.replace("money > LIMIT", "False", 1)
    assert placed(shop, mutant(where="Till.give")).count("False") == 1
    assert placed(shop, mutant(where="", before="LIMIT = 3", after="LIMIT = 30")).startswith("LIMIT = 30\n")
    assert placed(shop, mutant(where="Till.open", before="@property\n    def", after="def")).count("@property") == 0
    assert placed(shop, mutant(before="            raise ValueError(money)\n", after="            pass\n"))


def test_a_file_that_is_no_python_is_changed_as_text(shop: Path) -> None:
    (shop / "shop" / "openapi.yaml").write_text("pattern: '^[a-z]$'\n", "utf-8")
    change = mutant(file="shop/openapi.yaml", where="", before="'^[a-z]$'", after="'^[a-z.]$'")
    assert placed(shop, change) == "pattern: '^[a-z.]$'\n"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"before": "if money > LIMITS:"},
            (
                "mutants.toml: mutant takes_all: before = 'if money > LIMITS:': is not in shop/till.py, Till.take "
                "any more; closest line: 'if money > LIMIT:'\n  mend: write that line"
            ),
        ),
        ({"before": "x"}, "is not in shop/till.py, Till.take any more\n  mend: write a line that is there"),
        ({"where": "Till"}, "stands 2 times in shop/till.py, Till\n  mend: name the function in `where`"),
        ({"where": ""}, "stands 2 times in shop/till.py\n"),
        ({"where": "Till.tke"}, "shop/till.py has no such function or class; closest valid: 'Till.take'"),
        ({"file": "shop/tlil.py"}, "there is no such file; closest valid: 'shop/till.py'"),
        ({"file": "other.py"}, "is not copied\n  mend: name it in copies of mutants.toml"),
        ({"after": "money > LIMIT or"}, "shop/till.py is no Python with it: "),
        ({"after": "money  >  LIMIT"}, "changes nothing"),
    ],
)
def test_an_entry_that_does_not_fit_the_source_is_a_usage_error(shop: Path, changes: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as problem:
        placed(shop, mutant(**changes))
    assert said in str(problem.value)


def test_what_is_to_be_copied_must_be_there(shop: Path) -> None:
    with pytest.raises(UsageError, match=r"copies = 'shp': is not in .*; closest valid: 'shop'"):
        placed(shop, mutant(), copies=("shp",))


def test_a_copy_differs_in_one_file_and_has_no_compiled_ones(shop: Path, tmp_path: Path) -> None:
    (shop / "shop" / "__pycache__").mkdir()
    (shop / "shop" / "other.py").write_text("x = 1\n", "utf-8")
    (shop / "alone.py").write_text("y = 1\n", "utf-8")
    listed = MutantList(Path(FILE), ("shop", "alone.py"), (mutant(),))
    copy = tmp_path / "copies" / "takes_all"
    write_mutated(copy, mutant(), "changed = True\n", listed, shop)
    found = {path.relative_to(copy).as_posix(): path.read_text("utf-8") for path in copy.rglob("*") if path.is_file()}
    assert found == {"shop/till.py": "changed = True\n", "shop/other.py": "x = 1\n", "alone.py": "y = 1\n"}
    assert (shop / "shop" / "till.py").read_text("utf-8") == SOURCE
    write_copy(tmp_path / "unchanged", listed, shop)
    assert (tmp_path / "unchanged" / "shop" / "till.py").read_text("utf-8") == SOURCE


HEALTHY = {"healthy_ms": 4.0}


def mutated(verdict: Verdict, **changes: Any) -> RunResult:
    return made(verdict, key=RunKey("idle_pool_cut", "hardened"), role="ablated", **{"figures": HEALTHY, **changes})


@pytest.mark.parametrize(
    ("result", "expected", "said"),
    [
        (mutated(Verdict.FAILED), MutantVerdict.KILLED, "failed by outcome"),
        (mutated(Verdict.HELD), MutantVerdict.SURVIVED, "nothing shows that 'money > LIMIT' matters"),
        (
            mutated(Verdict.FAILED, checks=(CheckResult("slower", True, "late"),)),
            MutantVerdict.MISATTRIBUTED,
            "outcome did not fail; it failed by slower: late",
        ),
        (mutated(Verdict.INCONCLUSIVE, reason="no evidence"), MutantVerdict.INCONCLUSIVE, "no evidence"),
        (
            mutated(Verdict.INCONCLUSIVE, reason="the service did not start", never_steady="the service did not start"),
            MutantVerdict.STILLBORN,
            "it never served, so its entry shows nothing: the service did not start",
        ),
        (
            mutated(Verdict.INCONCLUSIVE, reason="the machine was too busy", figures={}),
            MutantVerdict.INCONCLUSIVE,
            "the machine was too busy",
        ),
    ],
)
def test_what_a_run_says_of_its_mutant(result: RunResult, expected: MutantVerdict, said: str) -> None:
    judged = judge_mutant(mutant(), own("idle_pool_cut", figures=HEALTHY), result, "mutants/takes_all/history/x.jsonl")
    assert judged.verdict is expected
    assert said in judged.reason
    finding = judged.finding
    if expected is MutantVerdict.KILLED:
        assert finding is None
    else:
        assert finding is not None
        assert (finding.section, finding.subject, finding.kind) == ("mutants", "takes_all", expected.value)
        assert finding.inconclusive == (expected is MutantVerdict.INCONCLUSIVE)
        assert "mutant takes_all (shop/till.py)" in finding.sentence
    assert judged.to_json()["failing_checks"] == list(result.failing_checks)


def test_a_failure_for_another_reason_is_misattributed() -> None:
    control = own("idle_pool_cut", figures=HEALTHY)
    judged = judge_mutant(mutant(match="unknown"), control, mutated(Verdict.FAILED), None)
    assert judged.verdict is MutantVerdict.MISATTRIBUTED


@pytest.mark.parametrize(
    ("control", "expected"),
    [
        (Verdict.FAILED, MutantVerdict.MASKED),
        (Verdict.INCONCLUSIVE, MutantVerdict.INCONCLUSIVE),
        (Verdict.UNAVAILABLE, MutantVerdict.UNAVAILABLE),
    ],
)
def test_where_the_scenario_does_not_hold_without_the_mutant_nothing_is_killed(
    control: Verdict, expected: MutantVerdict
) -> None:
    judged = judge_unrun(mutant(), own("idle_pool_cut", control), MutantList(Path(FILE), ("shop",), (mutant(),)))
    assert judged.verdict is expected
    said = "name in `copies` of mutants.toml what the copy lacks"
    assert (said in judged.reason) == (control is not Verdict.UNAVAILABLE)


def test_an_equivalent_one_is_counted_and_is_no_finding() -> None:
    found = equivalent(mutant(scenario="", fails="", match="", equivalent="both say the same"))
    assert found.finding is None
    assert counted([found, found]) == {"equivalent": 2}
    assert found.to_json()["reason"] == "both say the same"


def test_every_mutant_of_the_service_fits_its_source_and_names_a_scenario_that_there_is() -> None:
    target = load_target(SCENARIOS / "target.toml")
    scenarios = (*collect_scenarios(SCENARIOS, target.description), *order_scenarios(target))
    listed = read_mutants(SCENARIOS / FILE, {scenario.id for scenario in scenarios})
    for each in listed.mutants:
        target.settings(target.description.default_profile, each.without)
    texts = place_all(listed, target.directory)
    assert 30 <= len(texts) <= 700
    assert len(set(texts.values())) == len(texts), "two entries make the same change"
