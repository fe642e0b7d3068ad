"""What a target's description says for an example of a fault."""

from __future__ import annotations

from collections.abc import Sequence

from harness.faults.example import Ground
from harness.target import Target
from harness.vocabulary import Link


def links_of(target: Target) -> Sequence[Link]:
    """The target's links, in the order of its description."""
    links = target.description.links.items()
    return [Link.from_shorthand(f"{link.protocol}:{name}", place=str(target.path)) for name, link in links]


def ground_of(target: Target, link: Link) -> Ground:
    """The ground for a fault's example at this link."""
    stored = target.description.stored
    described = target.description.links[link.name]
    # A service that is asked itself what it has stored may store anywhere: then its first link is taken.
    links = links_of(target)
    store = next((each for each in links if each.name == stored.link), links[0])
    return Ground(
        link=link, store=store, rows=stored.sql or "", place=str(target.path), by_name=_by_name(target, link),
        tls=described.tls, read=next(iter(target.description.reads), ""),
        read_with=tuple(f"{key}={text}" for key, text in described.read_with.items()),
        pooled_with=tuple(f"{key}={text}" for key, text in described.pooled_with.items()),
        found_with=tuple(f"{key}={text}" for key, text in described.found_with.items()),
        remembers=described.remembers is not None,
    )  # fmt: skip


def _by_name(target: Target, link: Link) -> tuple[str, ...]:
    """The settings that hold the link's URL, with its name in place of its address."""
    settings = target.description.service.environment.items()
    url, named = f"{{{link.name}.url}}", f"{{{link.name}.named_url}}"
    return tuple(f"{key}={text.replace(url, named)}" for key, text in settings if url in text)
