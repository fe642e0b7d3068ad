"""What the plugin refuses before anything runs, and what it takes for a scenario."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.tiny import completed, write_suite

PLUGIN = (
    "-p", "no:harness", "-p", "harness.pytest_plugin", "-o", "asyncio_default_fixture_loop_scope=function",
)  # fmt: skip
HEAD = """
import pytest
from harness import Lab, Fault, Outcome, ACKNOWLEDGED, REFUSED, link, needs, nightly, postgres, proves, redis
from harness.checks.proof import Proof
STORE = proves("store", fails="stored_once")
"""
BODY = "async def test_a(lab: Lab) -> None: ...\n"


TAKES = BODY.replace("lab: Lab", "lab, p")
WRONG = {
    "proves_nothing": (BODY, "proves = None: a scenario must say what makes it fail"),
    "protection": (
        f'@proves("sotre", fails="stored_once")\n{BODY}',
        "proves = 'sotre': no such protection; closest valid: 'store'",
    ),
    "variant": (f'@proves("retry:onec", fails="stored_once")\n{BODY}', "closest valid: 'retry:once'"),
    "without": (
        f'@proves("store", without=("rerty",), fails="stored_once")\n{BODY}',
        "without = 'rerty': no such protection; closest valid: 'retry'",
    ),
    "no_tuple": (f'@proves("store", without="retry", fails="stored_once")\n{BODY}', "without = 'retry': not a tuple"),
    "alike": (f'@proves("store", without=("store",), fails="stored_once")\n{BODY}', "the two runs would be the same"),
    "check": (f'@proves("store", fails="storde_once")\n{BODY}', "no such check; closest valid: 'stored_once'"),
    "no_match": (
        f'@proves("store", fails="outcome", match="")\n{BODY}',
        "match = '': outcome can fail for many reasons",
    ),
    "bad_match": (f'@proves("store", fails="outcome", match="(")\n{BODY}', "match = '(': not a regular expression"),
    "empty_match": (f'@proves("store", fails="slower", match="took")\n{BODY}', "is found in every failure of slower"),
    "any_match": (f'@proves("store", fails="outcome", match="x?")\n{BODY}', "is found in every failure of outcome"),
    "odd_match": (f'@proves("store", fails="outcome", match=3)\n{BODY}', "match = 3: not a regular expression"),
    "profile": (
        f'@proves("store", under="wohle", fails="stored_once")\n{BODY}',
        "under = 'wohle': no such profile; closest valid: 'whole'",
    ),
    "nothing": (f'@proves(fails="stored_once")\n{BODY}', "nothing is off"),
    "default": (f'@proves(under="whole", fails="stored_once")\n{BODY}', "nothing is off"),
    "bare_mark": (f'@pytest.mark.proves("store")\n{BODY}', "not made by harness.proves"),
    "needs": (f'@needs("seccmop")\n@STORE\n{BODY}', "there is no such name; closest valid: 'seccomp'"),
    "nightly": (f'@nightly("")\n@STORE\n{BODY}', "nightly = '': does not say why a gate leaves this scenario out"),
    "bare_nightly": (f"@pytest.mark.nightly\n@STORE\n{BODY}", "does not say why a gate leaves this scenario out"),
    "not_async": ("@STORE\ndef test_a(lab): ...\n", "takes a lab, and is not async"),
    "generator": ("@STORE\nasync def test_a(lab):\n    yield\n", "takes a lab, and is not async"),
    "fixture": ("@STORE\nasync def test_a(lab, tmp_path): ...\n", "fixture = 'tmp_path'"),
    "set_up": (
        "class TestSetUp:\n    def setup_method(self): ...\n    @STORE\n    async def test_a(self, lab): ...\n",
        "setup_method",
    ),
    "characters": (f'@pytest.mark.parametrize("p", ["a b/c"])\n@STORE\n{TAKES}', "and not ' /'"),
    "length": (f'@pytest.mark.parametrize("p", [1], ids=["y" * 200])\n@STORE\n{TAKES}', "longer than"),
    "skip": (f"@pytest.mark.skip\n@STORE\n{BODY}", "mark = 'skip'"),
    "skipif": (f"@pytest.mark.skipif(True, reason='x')\n@STORE\n{BODY}", "mark = 'skipif'"),
    "xfail": (f"@pytest.mark.xfail\n@STORE\n{BODY}", "mark = 'xfail'"),
    "flaky": (f"@pytest.mark.flaky\n@STORE\n{BODY}", "mark = 'flaky'"),
    "asyncio": (f"@pytest.mark.asyncio\n@STORE\n{BODY}", "mark = 'asyncio'"),
    "usefixtures": (f"@pytest.mark.usefixtures('tmp_path')\n@STORE\n{BODY}", "mark = 'usefixtures'"),
}
"""Each with what is said of it. The functions are renamed to `test_` and their key."""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> subprocess.CompletedProcess[str]:
    """One run of all of them at once, and of a test of somebody else's."""
    folder = write_suite(tmp_path_factory.mktemp("wrong"))
    sources = [source.replace("test_a(", f"test_{name}(") for name, (source, _) in WRONG.items()]
    (folder / "scenarios" / "all_verdicts.py").write_text(HEAD + "".join(sources), "utf-8")
    (folder / "test_others.py").write_text("def test_of_somebody_elses(): ...\n", "utf-8")
    words = [*PLUGIN, "-rA", "scenarios/all_verdicts.py", "test_others.py"]
    return completed([sys.executable, "-m", "pytest", *words], cwd=folder)


@pytest.mark.parametrize("name", WRONG)
def test_a_scenario_that_is_wrong_is_an_error_that_says_why(run: subprocess.CompletedProcess[str], name: str) -> None:
    found = re.search(rf"scenarios.all_verdicts\.py:\d+: test_{name}(\[.*?\])?: (?P<what>.*)\n +mend: \S+", run.stdout)
    assert found is not None, run.stdout
    assert WRONG[name][1] in found["what"]


def test_a_scenario_that_is_wrong_hinders_no_other_test(run: subprocess.CompletedProcess[str]) -> None:
    assert run.returncode == pytest.ExitCode.TESTS_FAILED, run.stdout + run.stderr
    assert re.search(rf"=+ 1 passed, .*{len(WRONG)} errors in ", run.stdout), run.stdout


@pytest.fixture
def suite(pytester: pytest.Pytester) -> pytest.Pytester:
    write_suite(pytester.path)
    (pytester.path / "scenarios" / "all_verdicts.py").unlink()
    return pytester


def collect(suite: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    (suite.path / "scenarios" / "test_theme.py").write_text(HEAD + source, "utf-8")
    return suite.runpytest_inprocess(*PLUGIN, "--collect-only", "-q", *options, "scenarios")


def test_an_id_belongs_to_one_scenario(suite: pytest.Pytester) -> None:
    source = f"class TestOne:\n    @STORE\n    async def test_a(self, lab): ...\n@STORE\n{BODY}"
    result = collect(suite, source)
    assert "harness: scenarios/test_theme.py:9: id = 'a': belongs to scenarios/test_theme.py:7" in result.stdout.str()


@pytest.mark.parametrize("last", [f"@STORE\n{BODY}", "def test_a() -> None: ...\n"])
def test_a_scenario_that_another_function_replaces_is_an_error_of_that_function(
    suite: pytest.Pytester, last: str
) -> None:
    others = "def test_theirs() -> None: ...\n@STORE\nasync def test_b(lab): yield\n"
    (suite.path / "scenarios" / "test_theme.py").write_text(HEAD + f"@STORE\n{BODY}" + last + others, "utf-8")
    result = suite.runpytest_inprocess(*PLUGIN, "scenarios")
    result.assert_outcomes(passed=1, errors=2)
    result.stdout.fnmatch_lines(["*name = 'test_a': is defined again at line *: only that one would run"])


def test_without_a_target_the_scenarios_are_errors_and_the_other_tests_run(suite: pytest.Pytester) -> None:
    (suite.path / "scenarios" / "target.toml").unlink()
    (suite.path / "scenarios" / "test_theme.py").write_text(f"{HEAD}@STORE\n{BODY}def test_b(): ...\n", "utf-8")
    result = suite.runpytest_inprocess(*PLUGIN, "scenarios")
    result.assert_outcomes(passed=1, errors=1)
    assert "there is no such file" in result.stdout.str()


def test_ids_are_those_of_the_values(suite: pytest.Pytester) -> None:
    source = f"""
@pytest.mark.parametrize("fault", [link.latency(redis, latency_ms=2000), [link.down(redis), link.cut(postgres)]])
@pytest.mark.parametrize("outcome", [ACKNOWLEDGED | REFUSED])
@pytest.mark.parametrize("target", [postgres, pytest.param(redis, marks=proves("retry", fails="stored_once"), id="R")])
@STORE
{BODY.replace("lab: Lab", "lab, fault, outcome, target")}"""
    result = collect(suite, source)
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(
        [
            "*::test_a[[]postgres-acknowledged+refused-link.latency-redis-latency_ms=2000]",
            "*::test_a[[]postgres-acknowledged+refused-link.down-redis+link.cut-postgres]",
            "*::test_a[[]R-acknowledged+refused-link.latency-redis-latency_ms=2000]",
        ]
    )


def test_what_they_will_run_on_is_said(suite: pytest.Pytester) -> None:
    options = ("--harness-profile=bare", "--harness-without=store,retry", "--harness-seed=7", "--harness-redis=/x")
    result = suite_lines(collect(suite, f"@STORE\n{BODY}", *options))
    assert "harness: 1 scenarios, target scenarios/target.toml, profile bare without store, retry, seed 7" in result
    assert "Redis /x" in result


def suite_lines(result: pytest.RunResult) -> str:
    return result.stdout.str()


def test_settings_come_from_the_ini_file_too_and_the_command_line_wins(suite: pytest.Pytester) -> None:
    suite.makeini("[pytest]\nharness_profile = bare\nharness_postgres = /y\n")
    text = suite_lines(collect(suite, f"@STORE\n{BODY}"))
    assert "profile bare" in text
    assert "PostgreSQL /y" in text
    assert "profile whole" in suite_lines(collect(suite, f"@STORE\n{BODY}", "--harness-profile=whole"))


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--harness-profile=wohle", "closest valid: 'whole'"),
        ("--harness-without=rerty", "closest valid: 'retry'"),
        ("--harness-target=scenarios/traget.toml", "there is no such file"),
        ("--harness-seed=x", "invalid int value: 'x'"),
        ("--harness-patience=nan", "'nan' is not a number of seconds; mend: write a number above 0"),
        ("--harness-patience=x", "'x' is not a number of seconds; mend: write a number above 0"),
    ],
)
def test_a_bad_option_is_a_usage_error(suite: pytest.Pytester, option: str, said: str) -> None:
    result = collect(suite, f"@STORE\n{BODY}", option)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert said in result.stderr.str()


def test_a_lab_of_someone_elses_is_none_of_ours(suite: pytest.Pytester) -> None:
    suite.makeconftest("import pytest\n@pytest.fixture\ndef lab(): return 3\n")
    result = suite.runpytest_inprocess(*PLUGIN, suite.makepyfile("def test_theirs(lab): assert lab == 3\n"))
    result.assert_outcomes(passed=1)
    assert not (suite.path / ".results").exists()
