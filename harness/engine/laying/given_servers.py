"""What a target asks of a server that only the harness's own servers can tell."""

from __future__ import annotations

from harness.errors import UsageError
from harness.stack import StackConfiguration
from harness.stack.servers.urls import is_url, redacted
from harness.target import Target

STUB_ONLY = "only the harness's own stub tells which calls it has received"


def check_calls_are_told(target: Target, configuration: StackConfiguration) -> None:
    """Refuse a server by URL behind an effect of `calls`. Raises UsageError, before anything runs.

    With `[effects.charged] calls = ...` and `--server payments=http://127.0.0.1:8080` nobody could say which deliveries
    were charged.
    """
    for name, effect in target.description.effects.items():
        if effect.calls is None:
            continue
        server = target.description.links[effect.link].server_name
        place = next(configuration.place_of(each) for each in target.servers if each.name == server)
        if is_url(place):
            where, problem = f"{target.path}: [effects.{name}]", f"its server is {redacted(place)}, and {STUB_ONLY}"
            mend = f"leave that URL out, so that the stub answers as [servers.{server}] says; or take the effect out"
            raise UsageError.at(where, "link", effect.link, problem, mend=mend)
