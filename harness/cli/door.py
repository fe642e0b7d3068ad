"""Who asks a stack that stays up: let in one after the other, and followed for as long as they are there."""

from __future__ import annotations

import os
import queue
import selectors
import signal
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from harness.quick import INTERRUPT, Asked, read_asked, send_answer
from harness.quick import Answer as ToCaller

ASKED_WITHIN_S = 10.0
OVER_WITHIN_S = 20.0
"""A run that was told to end has healed and gone by then; else everything goes."""
STUCK = 70
"""Exit status: a run did not end."""
CREDENTIALS = struct.Struct("3i")


class Caller:
    """One that has asked."""

    def __init__(self, connection: socket.socket, asked: Asked) -> None:
        self.asked = asked
        self.gone = False
        self.wants_to_end = False
        self.over = threading.Event()
        self._connection = connection

    def answer(self, answer: ToCaller) -> None:
        """Tell it, if it still listens."""
        try:
            send_answer(self._connection, answer)
        except OSError:
            self.gone = True

    def end(self) -> None:
        """Give back what it has sent, and the connection."""
        self.over.set()
        self.asked.close()
        with suppress(OSError):  # it may have gone first
            self._connection.shutdown(socket.SHUT_RDWR)


class Door:
    """Callers, for the main thread, which gets SIGINT where the one that it serves wants to end, or all must."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        self._queue: queue.SimpleQueue[Caller | None] = queue.SimpleQueue()
        self._serves: Caller | None = None
        self._lock = threading.Lock()
        self._main = threading.main_thread().ident or 0
        self._ends = False
        self.broken: Exception | None = None
        """Why nobody can be let in any more."""
        self._closing = os.eventfd(0)
        self._accepts = threading.Thread(target=self._accept, name="harness-door", daemon=True)

    def open(self) -> None:
        """Begin to let in."""
        self._accepts.start()

    def close(self) -> None:
        """Let in no more: who comes from now on waits for the next host, which has the same listener."""
        os.eventfd_write(self._closing, 1)
        self._accepts.join()

    def next(self) -> Caller | None:
        """Wait for a caller that is still there; None when all must end, or nobody more can be let in."""
        while not self._ends:
            caller = self._queue.get()
            if caller is None:
                break
            if not caller.gone:
                return caller
            caller.end()
        return None

    def waiting(self) -> Iterator[Caller]:
        """Those who are not served yet."""
        with suppress(queue.Empty):
            while True:
                caller = self._queue.get_nowait()
                if caller is not None:
                    yield caller

    @contextmanager
    def serving(self, caller: Caller) -> Iterator[None]:
        """Inside, what the caller wants is heeded: SIGINT is a KeyboardInterrupt."""
        with self._lock:
            self._serves = caller
        try:
            with heeding_interrupts():
                if caller.wants_to_end:
                    raise KeyboardInterrupt
                yield
        finally:
            with self._lock:
                self._serves = None

    def end(self, over: threading.Event) -> None:
        """All must end; where the main thread has not by then, this process does. Returns only if it was heeded."""
        self._ends = True
        self._queue.put(None)
        signal.pthread_kill(self._main, signal.SIGINT)
        _give_time(over)

    def _accept(self) -> None:
        """Let in. Without descriptors or threads left it ends: who comes then waits for the next host."""
        try:
            with selectors.DefaultSelector() as waits:
                waits.register(self._listener, selectors.EVENT_READ)
                waits.register(self._closing, selectors.EVENT_READ)
                while all(key.fileobj is self._listener for key, _ in waits.select()):
                    self._accept_one()
        except (OSError, RuntimeError) as problem:
            self.broken = problem
            self._queue.put(None)

    def _accept_one(self) -> None:
        connection, _ = self._listener.accept()
        try:
            threading.Thread(target=self._follow, args=(connection,), name="harness-caller", daemon=True).start()
        except RuntimeError:
            connection.close()
            raise

    def _follow(self, connection: socket.socket) -> None:
        """Take in what is asked, then wait for a wish to end, which losing the caller is too."""
        with connection:
            caller = _let_in(connection)
            if caller is None:
                return
            self._queue.put(caller)
            while _line(connection) != b"":
                self._wish(caller)
            caller.gone = True
            self._wish(caller)

    def _wish(self, caller: Caller) -> None:
        with self._lock:
            caller.wants_to_end = True
            if self._serves is not caller:
                return  # told when it is its turn, or over
            signal.pthread_kill(self._main, signal.SIGINT)
        _give_time(caller.over)


def _give_time(over: threading.Event) -> None:
    if not over.wait(OVER_WITHIN_S):
        os._exit(STUCK)  # the keeper ends the servers, and the service


def _let_in(connection: socket.socket) -> Caller | None:
    """Take in what is asked. None for one that only looked, is another user, or says something else."""
    connection.settimeout(ASKED_WITHIN_S)
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    _, uid, _ = CREDENTIALS.unpack(credentials)
    if uid != os.geteuid():
        return None
    try:
        asked = read_asked(connection)
    except (OSError, ValueError, TypeError):
        return None  # whoever it is sees that the connection ends without an answer
    connection.settimeout(None)
    return None if asked is None else Caller(connection, asked)


def _line(connection: socket.socket) -> bytes:
    """What the caller says; nothing when it has gone."""
    try:
        return connection.recv(len(INTERRUPT))
    except OSError:
        return b""


@contextmanager
def heeding_interrupts() -> Iterator[None]:
    """Inside, SIGINT raises KeyboardInterrupt; before and after, it only wakes."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, only_wake)


def only_wake(signum: int, frame: FrameType | None) -> None:
    """Do nothing: a handler of SIGINT between two runs."""
    del signum, frame


__all__ = ["STUCK", "Caller", "Door", "heeding_interrupts", "only_wake"]
