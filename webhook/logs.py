"""One JSON object a line, on standard output.

Not structlog: importing it costs 100 ms of a start that takes 500 (it imports rich where that is installed), for
what are 30 lines here.
"""

import json
import logging
import sys
import traceback
from datetime import UTC, datetime
from typing import TextIO


class Log:
    """Writes events. Fields are JSON values; no secret, header or body belongs in one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.lost = 0
        """Lines that could not be written: a full disk under the log must not fail a delivery."""

    def info(self, event: str, **fields: object) -> None:
        """Report what happens in the ordinary course."""
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
    """Brings the lines of libraries into the same form.

    SQLAlchemy's pool logs an error, with the exception, where a connection breaks while it is handed back or closed: it
    has dealt with it. What it calls an error without one (a connection that was not given back) is a defect of ours.
    uvicorn calls it an error that the time to drain is over: the requests that it cancels are answered.
    """

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        """Write a library's record as a line of ours."""
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
    """Give the service's log, and send what libraries log there too."""
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
