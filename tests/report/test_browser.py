"""The page in a real browser: headless Chromium, driven by Playwright, with nothing to fetch and nobody to ask."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from harness.present.html import write_report
from harness.present.html.runs.detail import MANY_RUNS
from tests.report.support import hostile_results, plain_results, result, write_results
from tests.results.made import made, summary_of

Browser = Any
Page = Any
"""Playwright's own; it is not installed where these tests are skipped."""
sync_api = pytest.importorskip(
    "playwright.sync_api", reason="no playwright: pip install --group browser, tox -e browser"
)
axe_api = pytest.importorskip("axe_playwright_python.sync_playwright", reason="no axe: pip install --group browser")
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no chromium on PATH: apt-get install chromium, or the like")
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 900}


@dataclass(slots=True)
class Opened:
    """A page, what it said on the console, and what it asked the network for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def shown(self) -> list[str]:
        return [str(run.get_attribute("id")) for run in self.page.locator(".run:visible").all()]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield found
        found.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(plain_results(tmp_path_factory.mktemp("plain")))


def opened(browser: Browser, report: Path, *, scheme: str = "light", size: dict[str, int] = DESK) -> Opened:
    context = browser.new_context(viewport=size, color_scheme=scheme, permissions=["clipboard-read", "clipboard-write"])
    found = Opened(context.new_page())
    found.page.on("console", lambda message: found.said.append(message.text))
    found.page.on("pageerror", lambda problem: found.said.append(str(problem)))
    found.page.on("request", lambda request: found.asked.append(request.url))
    found.page.goto(report.as_uri())
    return found


@pytest.fixture
def desk(browser: Browser, report: Path) -> Iterator[Opened]:
    found = opened(browser, report)
    yield found
    assert found.said == []
    assert found.asked == [report.as_uri()]
    found.page.context.close()


def test_text_filters_runs_and_scenarios(desk: Opened) -> None:
    assert len(desk.shown()) == 4
    desk.page.get_by_label("Filter runs by text").fill("redis slow")
    assert desk.shown() == ["run-2"]
    assert desk.page.locator("tr.scenario:visible th").all_inner_texts() == ["redis_slow"]
    assert desk.page.locator("#shown").inner_text() == "1 of 4 runs"
    desk.page.get_by_label("Filter runs by text").fill("nothing like this")
    assert desk.page.get_by_text("No run fits the filter.").is_visible()
    desk.page.keyboard.press("Escape")
    assert len(desk.shown()) == 4


def test_a_verdicts_button_takes_its_runs_away_and_brings_them_back(desk: Opened) -> None:
    held = desk.page.get_by_role("button", name="1 held")
    held.click()
    assert held.get_attribute("aria-pressed") == "false"
    assert "run-1" not in desk.shown()
    assert len(desk.shown()) == 3
    held.click()
    assert len(desk.shown()) == 4


def test_a_cell_leads_to_its_run(desk: Opened) -> None:
    desk.page.get_by_role("link", name="redis_slow, hardened: inconclusive").click()
    run = desk.page.locator("#run-2")
    assert run.get_attribute("open") is not None
    assert run.locator(".chart svg").is_visible()
    assert desk.page.evaluate("document.activeElement.closest('.run').id") == "run-2"


def test_a_cell_leads_to_its_run_though_the_filter_had_hidden_it(desk: Opened) -> None:
    desk.page.get_by_label("Filter runs by text").fill("idle_pool_cut")
    desk.page.evaluate("location.hash = '#run-0'")
    desk.page.locator("#run-0[open]").wait_for()
    assert len(desk.shown()) == 4


def test_connections_are_drawn_below_the_answers_of_a_run(desk: Opened) -> None:
    desk.page.get_by_role("link", name="redis_slow, hardened: inconclusive").click()
    chart = desk.page.locator("#run-2 .chart svg")
    assert chart.get_by_text("connections to postgres").is_visible()
    bottom, top = chart.evaluate(
        "svg => [svg.querySelector('path.u').getBBox(), svg.querySelectorAll('path.count-0')[1].getBBox()]"
        ".map((box, place) => place ? box.y : box.y + box.height)"
    )
    assert bottom < top
    assert {chart.locator(f"path.count-{n}").count() for n in (0, 1)} == {2, 4}


def test_a_map_is_opened_with_the_keyboard_and_its_letters_stand_on_its_cells(desk: Opened) -> None:
    folded = desk.page.locator("details.map").first
    folded.locator("summary").focus()
    desk.page.keyboard.press("Enter")
    letters = desk.page.locator("details.map").nth(1)
    letters.locator("summary").click()
    cell, letter = (letters.locator(f".fault-map {path}").bounding_box() for path in (".m-failed", ".on-failed"))
    assert folded.locator(".fault-map").is_visible()
    assert cell["x"] < letter["x"] < letter["x"] + letter["width"] < cell["x"] + cell["width"]


def test_the_line_that_repeats_a_run_is_copied(desk: Opened) -> None:
    desk.page.get_by_role("link", name="redis_down, hardened: failed").click()
    button = desk.page.get_by_role("button", name="Copy the line that repeats redis_down, hardened")
    button.click()
    desk.page.locator("#run-0 button[data-done]").wait_for()
    assert desk.page.evaluate("navigator.clipboard.readText()") == "python -m harness gate fine"
    assert desk.page.locator("#told").inner_text() == "copied"


def test_the_keyboard_alone_is_enough(desk: Opened) -> None:
    keyboard = desk.page.keyboard
    keyboard.press("/")
    assert desk.page.evaluate("document.activeElement.id") == "filter-text"
    keyboard.type("redis_down")
    for _ in range(12):
        keyboard.press("Tab")
        if desk.page.evaluate("document.activeElement.matches('.grid a')"):
            break
    keyboard.press("Enter")
    desk.page.locator("#run-0[open]").wait_for()
    assert desk.page.evaluate("document.activeElement.tagName") == "SUMMARY"
    keyboard.press("Enter")
    desk.page.locator("#run-0:not([open])").wait_for()


def test_every_stop_of_the_tab_key_is_seen(desk: Opened) -> None:
    desk.page.keyboard.press("Tab")
    stops = 0
    while desk.page.evaluate("document.activeElement !== document.body"):
        stops += 1
        outline = desk.page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", desk.page.evaluate("document.activeElement.outerHTML.slice(0, 200)")
        desk.page.keyboard.press("Tab")
    links, runs = desk.page.locator("a:visible").count(), desk.page.locator(".run").count()
    assert stops >= links + runs


def test_without_its_script_every_run_can_still_be_opened(browser: Browser, report: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    page.locator("#run-2 > summary").click()
    assert page.locator("#run-2 .chart svg").is_visible()
    context.close()


def test_a_packed_run_is_unpacked_when_it_is_opened(browser: Browser, tmp_path: Path) -> None:
    held = result(tmp_path)
    page = write_report(write_results(tmp_path, summary_of(held, *[made() for _ in range(MANY_RUNS)])))
    found = opened(browser, page)
    found.page.locator("#run-0 > summary").click()
    found.page.locator("#run-0 .chart svg").wait_for()
    assert found.page.locator("#run-0 .copy button").is_visible()
    assert (found.said, found.asked) == ([], [page.as_uri()])
    found.page.context.close()
    without = browser.new_context(java_script_enabled=False).new_page()
    without.goto(page.as_uri())
    without.locator("#run-0 > summary").click()
    assert without.locator("#run-0 noscript a").first.is_visible()
    without.context.close()


def test_what_did_not_hold_is_open_on_paper(desk: Opened) -> None:
    desk.page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert [run.get_attribute("id") for run in desk.page.locator(".run[open]").all()] == ["run-0", "run-2"]
    desk.page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert desk.page.locator(".run[open]").count() == 0


@pytest.mark.parametrize("size", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_overflows(
    browser: Browser, report: Path, scheme: str, size: dict[str, int]
) -> None:
    found = opened(browser, report, scheme=scheme, size=size)
    found.page.get_by_role("button", name="open all").click()
    for fold in found.page.locator("details.fold > summary").all():
        fold.click()
    results = axe_api.Axe().run(found.page)
    assert results.violations_count == 0, results.generate_report()
    assert found.page.evaluate("document.documentElement.scrollWidth") <= size["width"]
    assert found.said == []
    found.page.context.close()


def test_the_two_themes_differ(browser: Browser, report: Path) -> None:
    colours = []
    for scheme in ("light", "dark"):
        found = opened(browser, report, scheme=scheme)
        colours.append(found.page.evaluate("getComputedStyle(document.body).backgroundColor"))
        found.page.context.close()
    assert len(set(colours)) == 2


def test_an_attack_does_nothing(browser: Browser, tmp_path: Path) -> None:
    report = write_report(hostile_results(tmp_path))
    found = opened(browser, report)
    found.page.get_by_role("button", name="open all").click()
    assert found.page.locator(".run[open]").count() == 4
    assert found.page.evaluate("window.owned") is None
    assert found.page.locator("img").count() == 0
    assert found.asked == [report.as_uri()]
    assert found.said == []
    found.page.context.close()


def test_the_policy_stops_what_would_get_in_all_the_same(browser: Browser, report: Path, tmp_path: Path) -> None:
    broken = tmp_path / "report.html"
    attack = "<script>window.owned=1</script><img src='x' onerror='window.owned=2'>"
    broken.write_text(report.read_text("utf-8").replace("<main", f"{attack}<main"), "utf-8")
    found = opened(browser, broken)
    assert found.page.evaluate("window.owned") is None
    assert any("Content Security Policy" in said for said in found.said)
    found.page.context.close()
