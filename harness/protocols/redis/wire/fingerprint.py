"""The shape of a command: the same for every delivery, different for different work."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

__all__ = ["shape_of"]

_WORD_OF_A_KEY = re.compile(r"[A-Za-z_]{1,24}")
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")
_KEY_SEPARATORS = re.compile(r"([:./|])")


def _set_of(words: str) -> frozenset[str]:
    return frozenset(words.split())


WITHOUT_KEY: Final = _set_of(
    "AUTH DBSIZE DISCARD ECHO EXEC FLUSHALL FLUSHDB HELLO INFO KEYS LASTSAVE MONITOR MULTI PING PSYNC QUIT READONLY "
    "READWRITE REPLICAOF RESET ROLE SAVE SCAN SELECT SHUTDOWN SWAPDB SYNC TIME UNWATCH WAIT WAITAOF"
)
CONTAINERS: Final = _set_of(
    "ACL CLIENT CLUSTER COMMAND CONFIG DEBUG FUNCTION LATENCY MEMORY MODULE OBJECT PUBSUB SCRIPT SLOWLOG XGROUP XINFO"
)
OPTIONS: Final = _set_of(
    "ABSTTL AGGREGATE ALPHA ASC ASYNC AUTH BEFORE AFTER BLOCK BYLEX BYRADIUS BYSCORE CH COPY COUNT DESC EX EXAT FIELDS "
    "FORCE FREQ FULL GET GETKEYS GROUP GT IDLE IDLETIME INCR KEEPTTL KEYS LEFT LIB-NAME LIB-VER LIMIT LT MATCH MAXLEN "
    "MINID NOACK NOMKSTREAM NX OFF ON PERSIST PX PXAT REPLACE REPLY REV RIGHT SETNAME SKIP STORE STREAMS SYNC TYPE "
    "WEIGHTS WITHSCORES WITHVALUES XX"
)
VALUE_FIRST: Final = frozenset({"SET", "SETNX", "GETSET", "APPEND", "PUBLISH", "SPUBLISH", "HSET", "LPUSH", "RPUSH"})


def shape_of(text: str) -> str:
    """Return the command's name, the words of its key and its options, with "n" or "value" for each other argument."""
    return " ".join(_command(text.split()))


def _command(words: list[str]) -> Iterator[str]:
    if not words:
        return
    name, rest = words[0].upper(), words[1:]
    yield name
    if name in ("EVAL", "EVAL_RO"):
        yield "script"
    elif name in ("EVALSHA", "EVALSHA_RO", "FCALL", "FCALL_RO"):
        yield from (word[:8] for word in rest[:1])  # which script: not a value
    elif name in CONTAINERS:
        yield from (word.upper() for word in rest[:1])
        yield from _arguments(rest[1:])
    elif name in WITHOUT_KEY:
        yield from _arguments(rest)
    else:
        yield from map(_key, rest[:1])
        plain = name in VALUE_FIRST and len(rest) > 1
        yield from ["value"][: int(plain)]
        yield from _arguments(rest[1 + plain :], after_value=plain)


def _key(key: str) -> str:
    parts = _KEY_SEPARATORS.split(key)
    return "".join(
        part if index % 2 or _WORD_OF_A_KEY.fullmatch(part) else "?" for index, part in enumerate(parts) if part
    )


def _arguments(words: list[str], *, after_value: bool = False) -> Iterator[str]:
    """Yield options unchanged.

    After a value everything up to the next option is that value, because values may contain blanks.
    """
    for word in words:
        if word.upper() in OPTIONS:
            after_value = False
            yield word.upper()
        elif not after_value:
            after_value = _NUMBER.fullmatch(word) is None
            yield "value" if after_value else "n"
