"""A run of its own for test_lifetime: say each step, then wait for the end of standard input."""

from __future__ import annotations

import os
import sys

from harness.processes.keeper import Keeper, KeptProcess, ProcessSpec
from harness.protocols.postgres.server import PostgresServer
from harness.stack import Stack, StackConfiguration, private_folder
from tests.servers import BOTH


class TellingKeeper(Keeper):
    def spawn(self, spec: ProcessSpec) -> KeptProcess:
        process = super().spawn(spec)
        tell(f"spawned {spec.name}")
        return process


def tell(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    with (
        TellingKeeper.start() as keeper,
        private_folder() as folder,
    ):
        tell(f"keeper {keeper.pid}")
        with Stack.start(BOTH, StackConfiguration(), folder, keeper=keeper) as stack:
            tell(f"ready as {os.geteuid()}, postgres folder of {(folder / 'postgres' / 'data').stat().st_uid}")
            stack.of(PostgresServer).restart()
            tell("restarted")
            sys.stdin.read()
    tell("ended")


if __name__ == "__main__":
    main()
