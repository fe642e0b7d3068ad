"""Describes the processes that the keeper runs."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from harness.processes.syscalls.rules import Rule, WatchedCall

AsUser = Literal["same", "mapped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessSpec:
    """One process: its program, its arguments and environment, and its user.

    `argv[0]` is a path or a name looked up on the PATH in `env`. `env` is the complete
    environment: nothing is inherited. Standard output and error are appended to `log`; standard
    input is empty. `streams`, if given, are the paths that are opened for the three instead: a terminal's, or
    `/proc/PID/fd/N` of a process that has one. The process leads its own session.

    `as_user="mapped"` runs it as an ordinary user of a user namespace, whose files outside
    belong to the harness's own user (PostgreSQL refuses to run as root). If namespaces are
    not allowed, root drops to uid and gid 65534, and another user stays what it is;
    `Keeper.file_owner` tells whose the files will be.

    `watched_calls` names the system calls that the keeper must report and may answer. It sets `no_new_privs`, so setuid
    programs get no privileges in such a process. `may_be_unwatched`: if the machine cannot report calls, the process
    runs without that. `rules` are in force from its first call on, until `KeptProcess.set_rules`.

    A SIGSTOP that the harness did not send ends the process, unless it `may_be_stopped`: a stopped server would delay
    every scenario up to its limits, and keep its port. Its log says what happened.

    `teardown_signal` is sent to the process when the keeper ends everything, one second before the SIGKILL, for a
    server that has to tidy up shared memory.
    """

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    log: Path
    streams: tuple[str, str, str] | None = None
    as_user: AsUser = "same"
    watched_calls: frozenset[WatchedCall] = field(default_factory=frozenset)
    rules: tuple[Rule, ...] = ()
    may_be_unwatched: bool = False
    may_be_stopped: bool = False
    teardown_signal: int = signal.SIGKILL
