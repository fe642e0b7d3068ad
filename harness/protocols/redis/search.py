"""Redis, for the search."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.protocols.contract.failure import ServerError
from harness.protocols.contract.search import Searched

__all__ = ["SEARCHED"]


def _command(texts: Sequence[str]) -> str:
    """Return the command's name: keys differ from service to service."""
    return texts[0].partition(" ")[0]


READS: Final = frozenset(
    (
        "GET", "MGET", "GETRANGE", "STRLEN", "EXISTS", "TTL", "PTTL", "TYPE", "KEYS", "SCAN", "RANDOMKEY", "DBSIZE",
        "HGET", "HMGET", "HGETALL", "HEXISTS", "HLEN", "HKEYS", "HVALS", "HSCAN", "LRANGE", "LLEN", "LINDEX",
        "SMEMBERS", "SISMEMBER", "SMISMEMBER", "SCARD", "SSCAN", "ZRANGE", "ZRANGEBYSCORE", "ZSCORE", "ZCARD",
        "ZCOUNT", "ZRANK", "ZSCAN", "XLEN", "XRANGE", "XREAD", "XINFO", "PING", "ECHO", "HELLO", "AUTH", "SELECT",
        "CLIENT", "INFO", "COMMAND", "CONFIG", "TIME", "SUBSCRIBE", "PSUBSCRIBE", "UNSUBSCRIBE", "PUNSUBSCRIBE",
        "WATCH", "UNWATCH", "READONLY", "QUIT",
    )
)  # fmt: skip
"""Commands that change no key. Any other command may change one."""


def _writes(text: str) -> bool:
    return text.partition(" ")[0].upper() not in READS


SEARCHED: Final = Searched(
    errors=(  # with the texts of `errors.py`
        ServerError("LOADING"),
        ServerError("READONLY"),
        ServerError("OOM"),
        ServerError("BUSY"),
        ServerError("MASTERDOWN"),
        ServerError("NOAUTH"),
        ServerError("MOVED"),
    ),
    beginning=_command,
    writes=_writes,
)
