"""One JSON object a line, on standard output.

Not structlog: its import takes 100 ms of a start of 500 ms (it imports rich if that is installed), to replace 30 lines
here.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO


class Log:
    """Writes events. Fields are JSON values; they must not contain a secret, header or body."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0
        """Lines that could not be written: a full disk under the log must not fail a delivery."""

    def info(self, event: str, **fields: object) -> None:
        """Report a normal event."""
        self._write("info", event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Report a failure that was handled."""
        self._write("warning", event, fields)

    def alarm(self, event: str, **fields: object) -> None:
        """Report an unforeseen error."""
        self._write("error", event, fields)

    def _write(self, level: str, event: str, fields: dict[str, object]) -> None:
        at = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"at": at, "level": level, "event": event, **fields}, default=str)
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except OSError:
            self.lost += 1


_GRACE_IS_OVER = "timeout graceful shutdown exceeded"


class Bridge(logging.Handler):
    """Converts the lines of libraries into the same form.

    SQLAlchemy's pool logs an error with an exception if a connection breaks while it is returned or closed: the pool
    has handled it. An error without an exception (a connection that was not returned) is our own defect. uvicorn logs
    an error when the time to drain is over, but the requests that it cancels are answered.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a library's record as one of our lines."""
        fields: dict[str, object] = {"logger": record.name}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            fields["error"] = describe(error)
        by_pool = error is not None and record.name.startswith("sqlalchemy.pool")
        if error is not None and not by_pool:
            fields["traceback"] = "".join(traceback.format_exception(error))
        handled = record.levelno < logging.ERROR or by_pool or _GRACE_IS_OVER in record.getMessage()
        write = self._log.warning if handled else self._log.alarm
        write(record.getMessage().strip(), **fields)


def start_logging() -> Log:
    """Return the service's log, and send the libraries' lines to it too."""
    log = Log(sys.stdout)
    logging.basicConfig(handlers=[Bridge(log)], level=logging.WARNING)
    logging.captureWarnings(capture=True)
    return log


def describe(error: BaseException) -> str:
    """Render an exception and all its causes: `pkg.Outer: message <- pkg.Inner: message`."""
    parts: list[str] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        parts.append(_one(current))
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return " <- ".join(parts)


def _one(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    # SQLAlchemy puts the statement and its parameters, the body among them, on the lines below the message.
    message = str(error).split("\n[SQL:", 1)[0].replace("\n", " ")
    return f"{name}: {message}" if message else name
