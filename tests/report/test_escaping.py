"""Whatever a service says, the page holds no element, attribute or address that is not its own."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

import pytest

from harness.present.html import write_report
from tests.report.support import Markup, hostile_results, plain_results


@pytest.fixture
def hostile(tmp_path: Path) -> str:
    return write_report(hostile_results(tmp_path)).read_text("utf-8")


def test_one_script_and_one_style_are_all_there_are(hostile: str) -> None:
    tags = [tag for tag, _ in Markup(hostile).elements]
    assert (tags.count("script"), tags.count("style")) == (1, 1)
    assert not {"img", "iframe", "object", "embed", "link", "base", "form"} & set(tags)


def test_no_attribute_acts(hostile: str) -> None:
    acting = Markup(hostile).having(lambda _, given: any(n.startswith("on") or n in ("style", "src") for n in given))
    assert acting == []


def test_the_same_elements_whatever_the_texts_are(tmp_path: Path, hostile: str) -> None:
    kinds = {tag for tag, _ in Markup(hostile).elements}
    plain = Markup(write_report(plain_results(tmp_path / "plain")).read_text("utf-8"))
    assert kinds <= {tag for tag, _ in plain.elements}


def test_every_address_is_beside_the_page(tmp_path: Path, hostile: str) -> None:
    for page in (hostile, write_report(plain_results(tmp_path / "plain")).read_text("utf-8")):
        found = [given["href"] for _, given in Markup(page).having(lambda _, given: "href" in given)]
        assert any(href.startswith("history/") for href in found)
        for href in found:
            assert re.fullmatch(r"#[\w-]+|[\w./%@-]+", href), href


def test_the_policy_allows_its_own_script_and_style_and_nothing_else(hostile: str) -> None:
    policy = next(given["content"] for _, given in Markup(hostile).elements if "http-equiv" in given)
    for tag in ("script", "style"):
        text = re.search(rf"<{tag}>(.*?)</{tag}>", hostile, re.DOTALL)
        assert text is not None
        digest = base64.b64encode(hashlib.sha256(text[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy


@pytest.mark.parametrize("link", ["javascript:alert(1)", "//host/sweep.html", "../../sweep.html", "a.html\n"])
def test_a_map_leads_nowhere_else(tmp_path: Path, link: str) -> None:
    folder = plain_results(tmp_path)
    path = folder / "maps.json"
    path.write_text(path.read_text("utf-8").replace('"sweep.html"', json.dumps(link)), "utf-8")
    text = write_report(folder).read_text("utf-8")
    assert "the maps are not shown: " in text
    assert not [given for _, given in Markup(text).elements if given.get("href") == link]


def test_the_texts_are_there_to_be_read(hostile: str) -> None:
    said = "".join(Markup(hostile).text.values())
    assert "<script>window.owned=1</script>" in said
    assert "{{7*7}}" in said
    assert r"\x1b[2J\u202e\x00" in said
    assert "49" not in re.findall(r"`(\d+)", said)


def test_what_cannot_be_seen_is_written_out(hostile: str) -> None:
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", hostile)
    assert r"\x1b[2J" in hostile, "what went in is there, in plain signs"
