"""The contents of Redis's commands and replies. If a head is cut, the missing arguments are left out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

__all__ = ["TEXT_MAX", "arguments", "command_name", "command_text", "pushed"]

TEXT_MAX: Final = 2000
NAME_MAX: Final = 64
_WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"|\'((?:[^\'\\]|\\\')*)\'|(\S+)')
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_NAMED_BYTES: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"a": b"\a"}


def arguments(head: bytearray) -> list[bytes]:
    """Return the words of a command, its name first; none for an empty one. The last one may be cut."""
    if not head.startswith(b"*"):
        return [_unquoted(word) for word in _WORD.finditer(head.partition(b"\n")[0])]
    words = []
    size = len(head)
    position = head.find(b"\r\n") + 2
    while 2 <= position < size:
        end = head.find(b"\r\n", position)
        if end < 0:
            break
        length = int(head[position + 1 : end])
        words.append(bytes(head[end + 2 : end + 2 + length]))
        position = end + 4 + length
    return words


def command_name(head: bytearray) -> str:
    """Return the command's name in capitals; "empty" for a command without words."""
    if head.startswith(b"*"):
        begin = head.find(b"\r\n") + 2
        end = head.find(b"\r\n", begin)
        if begin < 2 or end < 0:
            return "empty"
        name = bytes(head[end + 2 : end + 2 + int(head[begin + 1 : end])])
    else:
        name = next(iter(arguments(head)), b"")
    return name[:NAME_MAX].decode("utf-8", "replace").upper() or "empty"


def command_text(words: Sequence[bytes]) -> str:
    """Return a command with its arguments as one text, its name in capitals, at most 2,000 characters."""
    if not words:
        return ""
    texts = [words[0][:TEXT_MAX].decode("utf-8", "replace").upper()]
    length = len(texts[0])
    for word in words[1:]:
        if length >= TEXT_MAX:
            break
        text = word[: 4 * TEXT_MAX].decode("utf-8", "replace")
        texts.append(text)
        length += len(text) + 1
    return " ".join(texts)[:TEXT_MAX]


def pushed(head: bytearray) -> tuple[str, int]:
    """Return the kind of a pub/sub message ("message", "subscribe" ...) and the integer at its end.

    ("", 0) for any value that is not an array or push with a string as its first element.
    """
    lines = head.split(b"\r\n", 3)
    if len(lines) < 4 or lines[0][:1] not in b"*>" or lines[1][:1] not in b"$+":
        return "", 0
    kind = lines[2] if lines[1][:1] == b"$" else lines[1][1:]
    last = head.rstrip(b"\r\n").rpartition(b"\n")[2]
    count = int(last[1:]) if last[:1] == b":" and last[1:].isdigit() else 0
    return kind.decode("ascii", "replace").lower(), count


def _unquoted(word: re.Match[bytes]) -> bytes:
    double, single, plain = word.groups()
    if plain is not None:
        return plain
    if single is not None:
        return single.replace(b"\\'", b"'")
    return _ESCAPE.sub(_unescaped, double)


def _unescaped(escape: re.Match[bytes]) -> bytes:
    digits, character = escape.groups()
    return bytes([int(digits, 16)]) if digits else _NAMED_BYTES.get(character, character)
