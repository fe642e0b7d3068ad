"""The harness's end of the control connection: requests from any thread, and one thread that reads."""

from __future__ import annotations

import itertools
import os
import queue
import select
import socket
import sys
import threading
from collections.abc import Callable

from harness.errors import HarnessError
from harness.processes.keeper.codec import decode, encode
from harness.processes.keeper.messages import Done, Owner, Refused, Reply, Request, Started

READ_BYTES = 65536
LOOK_EVERY_S = 0.5
ANSWER_TIMEOUT_S = 120.0
"""Only a hanging keeper takes this long: a keeper that ended or was stopped is noticed at once. At a load of 20, 30 s
were not enough for a working one.
"""


class Lost:
    """The connection ended before an answer."""


class Connection:
    """Sends requests and waits for their replies. All other messages go to `on_report`."""

    def __init__(
        self,
        control: socket.socket,
        *,
        on_report: Callable[[object], None],
        on_end: Callable[[], None],
        on_silence: Callable[[], None],
        explain: Callable[[], str],
    ) -> None:
        self.control = control
        self._on_report = on_report
        self._on_end = on_end
        self._on_silence = on_silence
        self._readable = select.poll()
        self._readable.register(control, select.POLLIN)
        self._explain = explain
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()  # the pending replies, and whole lines on the wire
        self._pending: dict[int, queue.SimpleQueue[Reply | Lost]] = {}
        self._ended = False
        self._rest = b""  # the beginning of a line whose rest has not arrived
        self._pauses = os.eventfd(0)
        self._readable.register(self._pauses, select.POLLIN)
        self._reader = self._new_reader()

    def start(self) -> None:
        """Begin to read, or continue after `pause`, in this process or in a fork of it."""
        if self._ended:
            return
        self._reader = self._new_reader()
        self._reader.start()

    def pause(self) -> None:
        """Stop reading: further data waits in the socket until `start`.

        No thread is left, because a fork would not have it.
        """
        os.eventfd_write(self._pauses, 1)
        self._reader.join()
        os.eventfd_read(self._pauses)

    def _new_reader(self) -> threading.Thread:
        return threading.Thread(target=self._read, name="keeper-reader", daemon=True)

    @property
    def ended(self) -> bool:
        """Whether the other end is gone."""
        return self._ended

    def request(self, make: Callable[[int], Request]) -> Reply:
        """Send the request that `make` builds with its number; return the reply.

        Raises `HarnessError` if the keeper is gone, silent for ANSWER_TIMEOUT_S, or if this is the reader's
        own thread, which cannot wait for itself.
        """
        if threading.current_thread() is self._reader:
            raise HarnessError(
                "a callback called the keeper, which would wait for itself for ever",
                hint="let the callback only record what happened, and react in another thread",
            )
        number = next(self._numbers)
        answer: queue.SimpleQueue[Reply | Lost] = queue.SimpleQueue()
        self._send(number, encode(make(number)), answer)
        try:
            reply = answer.get(timeout=ANSWER_TIMEOUT_S)
        except queue.Empty:
            raise HarnessError(
                f"the keeper gave no answer within {ANSWER_TIMEOUT_S:.0f} s",
                hint="it may be stopped, or the machine overloaded",
            ) from None
        finally:
            self._pending.pop(number, None)
        if isinstance(reply, Lost):
            raise self.lost()
        return reply

    def finish(self, timeout_s: float) -> bool:
        """Announce that no more requests will follow. Return whether the other end closed in time."""
        try:
            self.control.shutdown(socket.SHUT_WR)
        except OSError:
            self._ended = True  # ENOTCONN: it was gone before
        if self._reader.ident is not None:
            self._reader.join(timeout_s)
        return not self._reader.is_alive()

    def close(self) -> None:
        """Return the socket to its owner."""
        self.control.close()
        os.close(self._pauses)

    def _send(self, number: int, line: bytes, answer: queue.SimpleQueue[Reply | Lost]) -> None:
        with self._lock:
            if self._ended:
                raise self.lost()
            self._pending[number] = answer
            try:
                self.control.sendall(line)
            except OSError as error:
                self._pending.pop(number, None)
                raise self.lost() from error

    def lost(self) -> HarnessError:
        """Return the error that says why the keeper is gone."""
        return HarnessError(f"the keeper has ended, and with it every process that it owned{self._explain()}")

    # ------------------------------------------------------------- the reader thread

    def _read(self) -> None:
        try:
            while self._wait_for_more():
                data = self.control.recv(READ_BYTES)
                if not data:
                    break
                *lines, self._rest = (self._rest + data).split(b"\n")
                for line in lines:
                    self._dispatch(decode(line))
            else:
                return
        except ConnectionError:
            pass  # equivalent to an end
        except BaseException:
            self._end()
            raise
        self._end()

    def _wait_for_more(self) -> bool:
        """Wait for data to read. Return False if reading is to pause."""
        while not (ready := self._readable.poll(LOOK_EVERY_S * 1000)):
            self._on_silence()
        return self._pauses not in {number for number, _ in ready}

    def _dispatch(self, message: object) -> None:
        if not isinstance(message, Started | Refused | Done | Owner):
            self._on_report(message)
            return
        answer = self._pending.pop(message.request, None)
        if answer is not None:
            answer.put(message)

    def _end(self) -> None:
        with self._lock:
            self._ended = True
            waiting = list(self._pending.values())
            self._pending.clear()
        self._on_end()
        for answer in waiting:
            answer.put(Lost())


def call_back(callbacks: list[Callable[[], None]]) -> None:
    """Call each. If one raises, it is shown like a thread's uncaught exception, and the others are still called."""
    for callback in callbacks:
        try:
            callback()
        except Exception:  # noqa: BLE001 - a stranger's callback must not end the reader: shown by the hook
            kind, value, trace = sys.exc_info()
            if kind is not None:
                threading.excepthook(threading.ExceptHookArgs((kind, value, trace, threading.current_thread())))
