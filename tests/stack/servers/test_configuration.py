"""Where servers come from: by protocol, by name, and what fits no stack."""

from __future__ import annotations

import pytest

from harness.errors import UsageError
from harness.protocols.contract.options import ServerWanted
from harness.stack.servers.configuration import StackConfiguration, configuration_of

POSTGRES, LEDGER, REDIS = (
    ServerWanted.plain("postgres"),
    ServerWanted.plain("postgres", "ledger"),
    ServerWanted.plain("redis"),
)
URL = "postgresql://me:secret@127.0.0.1:5432"


def test_a_servers_own_place_outranks_its_protocols() -> None:
    configuration = configuration_of({"postgres": "/usr/lib/postgresql", "redis": "embedded"}, ["ledger=/opt/pg?a=b"])
    places = [configuration.place_of(each) for each in (POSTGRES, LEDGER, REDIS)]
    assert places == ["/usr/lib/postgresql", "/opt/pg?a=b", "embedded"]
    configuration.check((POSTGRES, LEDGER, REDIS))


def test_a_server_that_the_target_does_not_have() -> None:
    with pytest.raises(UsageError, match=r"server = 'legder'.*closest valid: 'ledger'"):
        StackConfiguration(servers={"legder": URL}).check((POSTGRES, LEDGER))


def test_one_url_is_one_server() -> None:
    with pytest.raises(UsageError, match="one server cannot be postgres and ledger") as refused:
        StackConfiguration(servers={"postgres": URL}).check((POSTGRES, LEDGER, REDIS))
    assert "secret" not in str(refused.value)
    assert refused.value.hint == "give each its own: --server ledger=URL"
    StackConfiguration(servers={"postgres": URL, "ledger": f"{URL}1"}).check((POSTGRES, LEDGER))


@pytest.mark.parametrize("text", ["ledger", "=x", "ledger="])
def test_what_names_no_server(text: str) -> None:
    with pytest.raises(UsageError, match="names no server") as refused:
        configuration_of({}, [text])
    assert refused.value.hint == "write NAME=PATH or NAME=URL"
