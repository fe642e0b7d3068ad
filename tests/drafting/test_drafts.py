"""A draft's text: for every fault, in the suite's own style, and typed."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.drafting import draft, kinds
from harness.errors import UsageError
from harness.faults import Fault
from harness.target import Target, load_target
from harness.vocabulary.links import WORDS
from tests.tiny import completed

ROOT = Path(__file__).parents[2]
ANY_LINK, NO_PROTECTION = None, None
OURS = [kind for kind, fault in kinds().items() if fault.__module__.startswith("harness.")]
"""All but those that other tests register."""


@pytest.fixture(scope="module")
def target() -> Target:
    return load_target(ROOT / "scenarios" / "target.toml")


def text_of(target: Target, kind: str, link: str | None = ANY_LINK, protection: str | None = NO_PROTECTION) -> str:
    return draft("night", target, kind=kind, link=link, protection=protection).text


def links_of(kind: str, target: Target) -> list[str]:
    """The links that a fault of this kind can strike at, by its own type. The webhook's are without TLS."""
    if kind == "link.handshake":
        return []
    fault = Fault.kinds()[kind]
    links = {
        name: link
        for name, link in target.description.links.items()
        if (link.replica_of is not None, link.pool_of is not None, link.sentinel_of is not None)
        == (fault.of_a_replica, fault.of_a_pooler, fault.of_a_sentinel)
    }
    return [name for name, link in links.items() if issubclass(WORDS.of(link.protocol), fault.fits())]


def test_the_text_is_what_the_suite_looks_like(target: Target) -> None:
    assert text_of(target, "server.lock", protection="load.shed").splitlines()[6:] == [
        "#     python -m harness run night --without load.shed",
        "#     python -m harness ablate night --matrix",
        '@proves("load.shed", fails="outcome", match="TODO")',
        "async def test_night(lab: Lab) -> None:",
        '    """TODO: what breaks, and what is true all the same."""',
        '    lock = server.lock(postgres, "deliveries")',
        "    await lab.inject(lock)",
        "    async with lab.deliver():",
        "        await lab.until(lock.fired())",
        "        await lab.heal(lock)",
    ]


def test_without_its_store_a_service_refuses_and_without_anything_else_it_does_not(target: Target) -> None:
    assert "await lab.deliver(5, expect=REFUSED)" in text_of(target, "link.down", "postgres")
    assert "await lab.deliver(5)" in text_of(target, "link.down", "redis")


@pytest.mark.parametrize(("link", "protection"), [("redis", "redis.timeouts"), ("postgres", "pool.pre_ping")])
def test_the_protection_is_one_of_the_link_or_the_first(target: Target, link: str, protection: str) -> None:
    assert f'@proves("{protection}", ' in text_of(target, "link.cut", link)


def test_a_variant_of_a_protection_can_be_proved(target: Target) -> None:
    assert '@proves("deadline.statement:eager", ' in text_of(
        target, "link.latency", protection="deadline.statement:eager"
    )


@pytest.mark.parametrize(
    ("kind", "link", "protection", "told"),
    [
        ("wire.cutt", None, None, "--fault = 'wire.cutt': no such fault; closest valid: 'wire.cut'"),
        ("no_fault", None, None, "--fault = 'no_fault': no such fault"),
        ("link.cut", "redsi", None, "closest valid: 'redis'"),
        ("server.flush", "postgres", None, "no link of the target that server.flush fits; valid: redis"),
        (
            "link.cut",
            None,
            "pool.preping",
            "--proves = 'pool.preping': no such protection; closest valid: 'pool.pre_ping'",
        ),
    ],
)
def test_what_does_not_exist_is_told_with_the_closest(
    target: Target, kind: str, link: str | None, protection: str | None, told: str
) -> None:
    with pytest.raises(UsageError) as problem:
        text_of(target, kind, link, protection)
    assert told in str(problem.value)


def test_a_fault_of_a_server_that_the_target_has_not(target: Target) -> None:
    links = {"postgres": target.description.links["postgres"]}
    without_redis = replace(target, description=target.description.model_copy(update={"links": links}))
    with pytest.raises(UsageError, match=r"--fault = 'server\.flush': strikes at a Redis, and the target has none"):
        text_of(without_redis, "server.flush")


def test_a_target_without_protections_has_nothing_to_prove(target: Target) -> None:
    bare = replace(target, description=target.description.model_copy(update={"protections": {}}))
    text = text_of(bare, "link.cut")
    assert "proves" not in text
    assert "\n\n\nasync def test_night(lab: Lab) -> None:\n" in text


def test_a_table_that_is_not_named_cannot_be_locked(target: Target) -> None:
    stored = target.description.stored.model_copy(update={"sql": "SELECT * FROM (VALUES (1, 2)) AS x(id, digest)"})
    nameless = replace(target, description=target.description.model_copy(update={"stored": stored}))
    with pytest.raises(UsageError, match="names no table to lock"):
        text_of(nameless, "server.lock")
    assert "link.cut(postgres)" in text_of(nameless, "link.cut"), "which needs no table"


def test_the_projects_own_tools_have_nothing_to_say(target: Target, tmp_path: Path) -> None:
    for kind in OURS:
        for link in links_of(kind, target):
            name = f"{kind.replace('.', '_')}_{link}"
            (tmp_path / f"{name}.py").write_text(
                draft(name, target, kind=kind, link=link, protection=None).text, "utf-8"
            )
    settings = str(ROOT / "pyproject.toml")
    for words in (
        ["ruff", "check", "--no-cache", "--config", settings, "--ignore", "D1,INP", str(tmp_path)],
        ["ruff", "format", "--no-cache", "--check", "--config", settings, str(tmp_path)],
        ["mypy", "--config-file", settings, str(tmp_path)],
    ):
        checked = completed([sys.executable, "-m", *words], within_s=300)
        assert checked.returncode == 0, checked.stdout + checked.stderr
