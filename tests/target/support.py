"""A small description that loads, and ways to spoil it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.target import load_target

SENDER = """
class Plain:
    def settings(self):
        return {}

    def request(self, delivery):
        return None
"""

DESCRIPTION = r"""
schema = "harness.target/2"
name = "small"
default_profile = "all"

[service]
command = ["{python}", "-m", "small", "{postgres.url}"]
prepare = ["{python}", "-m", "small.prepare", "{postgres.host}"]
directory = "work"
listening = 'port (?P<port>\d+)'
alive = "/healthz"
unhandled = "Traceback"

[service.environment]
REDIS_URL = "{redis.url}"
SHAPE = "{not a placeholder}"

[links.postgres]
protocol = "postgres"

[links.redis]
protocol = "redis"
remembers = "{prefix}{source}:{id}"

[sender]
python = "plain.py:Plain"

[outcomes.acknowledged]
status = ["2xx"]

[outcomes.refused]
status = ["503"]

[stored]
link = "postgres"
sql = "SELECT id, digest FROM a"

[limits]
request_deadline_ms = 1000
connections = 5
body_bytes = 1000

[probes]
metrics = "/metrics"

[protections."pool.ping"]
about = "Pings."
off = { PING = "off" }

[protections."pool.ping".variants]
eager = { PING = "eager", EXTRA = "1" }

[protections.retry]
about = "Retries."
off = { RETRY = "off", PING = "by retry" }

[profiles.all]
about = "All on."

[profiles.bare]
about = "All off."
without = ["pool.ping", "retry"]

[profiles.bare.environment]
PING = "by profile"
"""


def write(folder: Path, text: str = DESCRIPTION, *, sender: str | None = SENDER) -> Path:
    """Write the description, and the sender beside it."""
    path = folder / "target.toml"
    path.write_text(text, "utf-8")
    if sender is not None:
        (folder / "plain.py").write_text(sender, "utf-8")
    return path


def changed(old: str, new: str) -> str:
    """The description with one place changed."""
    if DESCRIPTION.count(old) != 1:
        raise ValueError(f"{old!r} is there {DESCRIPTION.count(old)} times")
    return DESCRIPTION.replace(old, new)


def told(path: Path) -> tuple[str, str]:
    """What loading it tells, and how to mend it."""
    with pytest.raises(UsageError) as caught:
        load_target(path)
    assert caught.value.message.startswith(f"{path}: ")
    return caught.value.message, caught.value.hint
