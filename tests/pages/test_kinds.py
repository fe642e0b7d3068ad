"""Nothing stands on a page in a form that no test looks at."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.pages import support
from tests.pages.support import FINDINGS, PAGES, ROOT, TEXTS, UnknownKindError, blocks, links, snippets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_block_is_of_a_kind_that_is_checked(page: Path) -> None:
    fences = [n for n, line in enumerate(page.read_text("utf-8").splitlines(), 1) if line.lstrip().startswith("```")]
    assert [block.line for block in blocks(page) if block.line in fences] == fences[::2], "each that begins is found"


def test_what_is_excused_is_there() -> None:
    assert len(snippets("text")) == len(TEXTS)


@pytest.mark.parametrize("text", ["```rust\nfn main() {}\n```\n", "Say:\n\n    whatever comes\n"])
def test_a_block_of_an_unknown_kind_would_be_found(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(text, "utf-8")
    with pytest.raises(UnknownKindError):
        list(blocks(page))


@pytest.mark.parametrize("page", [*PAGES, *FINDINGS], ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_into_the_repository_lead_somewhere(page: Path) -> None:
    lost = [
        f"{page.name}:{line}: {address}"
        for line, address in links(page)
        if "://" not in address and not (page.parent / address.partition("#")[0]).exists()
    ]
    assert lost == []


@pytest.mark.parametrize(
    "page",
    [page for page in (*PAGES, *FINDINGS) if ROOT / "docs" in page.parents],
    ids=lambda page: page.relative_to(ROOT).as_posix(),
)
def test_a_page_of_the_site_links_to_no_page_outside_it(page: Path) -> None:
    """Sphinx takes such a link for a page of its own, and refuses to build."""
    outside = [
        f"{page.name}:{line}: {address}"
        for line, address in links(page)
        if "://" not in address
        and (target := (page.parent / address.partition("#")[0]).resolve()).suffix == ".md"
        and ROOT / "docs" not in target.parents
    ]
    assert outside == []
