"""Fails the build where a page would load something from an outside address."""

from __future__ import annotations

from pathlib import Path

from bs4 import BeautifulSoup
from sphinx.application import Sphinx
from sphinx.errors import SphinxError
from sphinx.util.typing import ExtensionMetadata

LOADS = {"script": "src", "link": "href", "img": "src", "iframe": "src", "source": "src"}


class OutsideAddressError(SphinxError):
    """A page is not whole without the network."""

    category = "outside address"


def _check(app: Sphinx, problem: Exception | None) -> None:
    if problem is not None or app.builder.format != "html":
        return
    found = [f"{page.name}: {address}" for page in sorted(Path(app.outdir).rglob("*.html")) for address in _of(page)]
    if found:
        raise OutsideAddressError("; ".join(found))


def _of(page: Path) -> list[str]:
    tags = BeautifulSoup(page.read_text("utf-8"), "html.parser").find_all(list(LOADS))
    addresses = [str(tag.get(LOADS[tag.name], "")) for tag in tags]
    return [address for address in addresses if address.startswith(("http:", "https:", "//"))]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Tell Sphinx."""
    app.connect("build-finished", _check)
    return {"parallel_read_safe": True}
