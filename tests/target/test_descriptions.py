"""Descriptions that load, and what follows from their links."""

from __future__ import annotations

from pathlib import Path

from harness.target import load_target
from harness.target.sections.link import LinkDescription
from tests.target.support import write

OWN = Path(__file__).parents[2] / "scenarios" / "target.toml"


def test_the_suites_own_description_loads() -> None:
    target = load_target(OWN)
    assert target.description.name == "webhook"
    assert target.description.default_profile == "hardened"
    assert target.directory == OWN.parents[1]
    assert set(target.description.profiles) == {"hardened", "grouped", "incident", "unprotected"}
    assert set(target.sender.settings()) == {"WEBHOOK_SECRETS", "WEBHOOK_SOURCE_SECRETS"}
    for profile in target.description.profiles:
        assert target.settings(profile, list(target.description.protections))


def test_a_small_description_loads(tmp_path: Path) -> None:
    target = load_target(write(tmp_path))
    assert target.path == (tmp_path / "target.toml").resolve()
    assert type(target.sender).__name__ == "Plain"
    assert target.description.limits.recovery_s == 10.0
    assert target.description.service.environment["SHAPE"] == "{not a placeholder}"


def test_links_are_beside_each_other_if_they_lead_to_one_server() -> None:
    own = load_target(OWN).description
    assert own.links_beside("replica") == own.links_beside("postgres") == ("postgres", "replica", "pooled")
    links = {
        "orders": LinkDescription(protocol="postgres", server="orders"),
        "stock": LinkDescription(protocol="postgres", server="stock"),
        "copy": LinkDescription(protocol="postgres", server="orders", replica_of="orders"),
    }
    two = own.model_copy(update={"links": links})
    assert two.links_beside("orders") == two.links_beside("copy") == ("orders", "copy")
    assert two.links_beside("stock") == ("stock",)
