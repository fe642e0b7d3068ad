"""What a scenario did to the servers themselves is no part of the next one, on servers that stay up either."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.checks import Verdict
from harness.plugin.collection import collect_scenarios
from harness.suite import Session, SuiteSettings
from harness.suite.info import Command
from harness.target import load_target
from harness.up.servers import UpServers
from tests.tiny import write_suite

CHANGES = """
from harness import Lab, postgres, proves, server

@proves("store", fails="acknowledged_is_stored")
async def test_changes(lab: Lab) -> None:
    await lab.inject(server.execute(postgres, "ALTER SYSTEM SET default_transaction_read_only = on"))
    await lab.inject(server.execute(postgres, "SELECT pg_reload_conf()"))
    await lab.deliver()
"""


def test_the_next_scenario_gets_servers_that_are_as_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_suite(tmp_path)
    monkeypatch.chdir(folder)
    (folder / "scenarios" / "changes.py").write_text(CHANGES, "utf-8")
    (folder / "pytest.ini").write_text("[pytest]\nasyncio_default_fixture_loop_scope = function\n", "utf-8")
    settings = SuiteSettings(scenarios=folder / "scenarios")
    target = load_target(settings.target_file)
    scenarios = {each.id: each for each in collect_scenarios(settings.scenarios, target.description)}
    with UpServers(settings) as servers:
        servers.bring_up(lambda _text: None)
        with Session(
            settings, target, command=Command("run", ()), selection=list(scenarios), servers=servers
        ) as session:
            changed = session.run(scenarios["changes"])
            unsound = not servers.is_sound()
            after = session.run(scenarios["healthy[no_fault]"])
        still_unsound = not servers.is_sound()

    assert [seen.source for seen in changed.evidence] == ["PostgreSQL", "PostgreSQL"], changed.reason
    assert (after.verdict, after.reason) == (Verdict.HELD, "")
    assert (unsound, still_unsound) == (True, True)
