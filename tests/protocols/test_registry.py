"""The registry: every protocol has its facets, an unknown one is refused with the nearest."""

from __future__ import annotations

import subprocess
import sys

import pytest

from harness.errors import UsageError
from harness.processes.bare import bare_command
from harness.protocols.contract.options import OPTIONS, ServerWanted
from harness.protocols.contract.speech import SPEECH, conversation
from harness.protocols.registry import PROTOCOLS


def test_an_unknown_protocol_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match=r"'postgers'.*closest valid: 'postgres'"):
        conversation("postgers")


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_target_may_leave_every_option_of_a_server_out(protocol: str) -> None:
    assert ServerWanted.plain(protocol).options == OPTIONS.of(protocol)()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_bare_interpreter_imports_a_speech_and_nothing_of_the_servers(protocol: str) -> None:
    assert SPEECH.of(protocol) is SPEECH.of(protocol)
    bootstrap = bare_command("harness", site_packages=False)[:-1]
    probe = f"""
import importlib, runpy, sys, types
sys.argv = [{bootstrap[-1]!r}, "probe"]
probe = types.ModuleType("probe")
def main(arguments):
    importlib.import_module("harness.protocols.{protocol}.speech")
    print(*(name for name in sys.modules if name.startswith("harness.")))
probe.main = main
sys.modules["probe"] = probe
runpy.run_path({bootstrap[-1]!r}, run_name="__main__")
"""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", probe], capture_output=True, text=True, check=True)
    layers = {name.split(".")[1] for name in done.stdout.split()}
    assert layers <= {"errors", "processes", "protocols", "relay", "vocabulary"}
