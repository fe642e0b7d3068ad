"""Makes text from a service fit for a terminal, an XML file or one line."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_UNFIT = re.compile("[^\t\n\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 forbids or discourages (2.2): control characters, surrogates, U+FFFE and U+FFFF."""


_STYLE = re.compile(r"\x1b\[[0-9;]*m")
"""The escape sequences for a terminal's colours. Many services colour their levels, even in a file."""


def visible(text: str) -> str:
    """Write control characters, surrogates and the like as escapes, and leave colours out; newline and tab stay."""
    return _UNFIT.sub(lambda found: _escape(ord(found[0])), _STYLE.sub("", text))


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def one_line(text: str) -> str:
    """Fold the text into one line; every run of white space becomes a space."""
    return " ".join(visible(text).split())


def shortened(text: str, width: int) -> str:
    """Cut to `width` characters. If anything was cut, the last three say so."""
    return text if len(text) <= width else f"{text[: max(0, width - 3)]}..."[:width]


def listed(names: Sequence[str], most: int) -> str:
    """`a, b and 3 more`. If only one more would be left out, it shows all."""
    if len(names) <= most + 1:
        return ", ".join(names)
    return f"{', '.join(names[:most])} and {len(names) - most} more"


def counted(count: int, what: str) -> str:
    """`1 proof`, `2 proofs`."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


# An access log's line does not count: it contains the name of the status 500.
_TELLING = re.compile(
    r"(?<!internal server )error|exception|traceback|critical|fatal|panic|\"level\":(5|6)0\b", re.IGNORECASE
)


_WARNING = re.compile(r"\bwarn(ing)?\b|\"level\":40\b", re.IGNORECASE)
_ROUTINE = re.compile(r"(?<![a-z])(info|debug|trace)(?![a-z])(?!.* 5\d\d\b)|\"level\":[123]0\b", re.IGNORECASE)
"""A line with a level below a warning, unless it reports a 5xx answer.

Node's loggers (pino, bunyan) write levels as numbers: 30 is info, 40 a warning, 50 an error.
"""


_ADVICE = re.compile(
    r"\s*\(?(Background on this error at:|For further information visit) https?://[^\s)]*\)?"
    r"|^\(Use `node --trace-\w+ \.\.\.` to show where the \w+ was created\)$"
    r"|^Emitted 'error' event on \w+ instance at:$"
)
"""Text that libraries add below every message, without information about this one."""
_SERVED = re.compile(r"\bHTTP/\d(\.\d)?\W+[123]\d\d\b|\bstatus(_code)?\W{1,4}[123]\d\d\b", re.IGNORECASE)
"""A line of an access log about an answer that is not an error."""


_TRACEBACK = "Traceback (most recent call last)"
_FRAME = re.compile(r"\s+at \S")
"""A line of a stack in Java or JavaScript. It names functions and classes, `_handleErrorEvent` among them."""


def telling_lines(log: str, count: int = 1) -> tuple[str, ...]:
    """Return a log's last lines that report an error, or its last warnings, or its last lines that are not routine.

    For a traceback, that is the line of its exception, of any name; for a stack, the line above it.
    """
    told = (line for each in log.splitlines() if (line := without_advice(each)).strip())
    lines = [line for line in told if not _FRAME.match(line)]
    closing = _closing(lines)
    closes = frozenset(closing.values())
    wrong = [line for at, line in enumerate(lines) if at not in closing and (at in closes or _TELLING.search(line))]
    warned = [line for line in lines if _WARNING.search(line)]
    other = [line for line in lines if not _ROUTINE.search(line) and not _SERVED.search(line)]
    return tuple((wrong or warned or other)[-count:])


def without_advice(line: str) -> str:
    """Leave out the link that a library puts below its messages."""
    return _ADVICE.sub("", line)


def _closing(lines: Sequence[str]) -> Mapping[int, int]:
    """For each traceback's first line, the line of its exception: the next line that is not indented."""
    begun = (at for at, line in enumerate(lines) if line.startswith(_TRACEBACK))
    ends = ((at, next((on for on in range(at + 1, len(lines)) if not lines[on][0].isspace()), None)) for at in begun)
    return {at: end for at, end in ends if end is not None}
