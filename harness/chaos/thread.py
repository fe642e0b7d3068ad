"""The thread in which the harness acts. It has its own event loop, so the test can use any other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import AbstractContextManager
from typing import Any, Generic, TypeVar

from harness.closing import Closing
from harness.errors import UsageError

T = TypeVar("T")
HeldT = TypeVar("HeldT")


class HoldingThread(Closing, Generic[HeldT]):
    """Opens a resource in a separate thread, runs coroutines there, and closes it there at the end.

    Servers belong to the thread that has started them, and the objects of a run to its event loop.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[HeldT]]) -> None:
        self._make = make
        self._up: Future[HeldT] = Future()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._problem: BaseException | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._main, name="harness-chaos")

    def open(self) -> HeldT:
        """Start the thread, and return the opened resource. Raises the error of opening it.

        If the wait for it is interrupted, it is closed as soon as it is open: the thread must not outlive its user.
        """
        self._thread.start()
        try:
            return self._up.result()
        except BaseException:
            self.close()
            raise

    def _main(self) -> None:
        try:
            with self._make() as held, asyncio.Runner() as runner:
                runner.run(self._serve(held))
        except BaseException as problem:  # noqa: BLE001  # raised in the thread that waits for it
            if self._up.done():
                self._problem = problem
            else:
                self._up.set_exception(problem)

    async def _serve(self, held: HeldT) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        self._up.set_result(held)
        if not self._closing.is_set():
            await self._over.wait()

    def submit(self, work: Coroutine[Any, Any, T]) -> Future[T]:
        """Begin a coroutine in the thread's event loop."""
        if self._loop is None:
            raise RuntimeError("the thread is not open")
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, and wait for it. The caller's own event loop, if one runs, is blocked."""
        return self.submit(work).result()

    async def awaited(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end while the caller's own asyncio event loop continues.

        Raises UsageError if the event loop that runs is another's, such as Trio's.
        """
        try:
            asyncio.get_running_loop()
        except RuntimeError as problem:
            work.close()
            raise UsageError(
                "chaos: no event loop of asyncio runs here", hint="use the forms without await"
            ) from problem
        return await asyncio.wrap_future(self.submit(work))

    def close(self) -> None:
        """Close the resource, and end the thread. Raises the error of closing it. Idempotent."""
        self._closing.set()
        if self._loop is not None and self._over is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
        if self._thread.ident is not None:  # it was started
            self._thread.join()
        problem, self._problem = self._problem, None
        if problem is not None:
            raise problem


def check_nothing_waits(verb: str, instead: str) -> None:
    """Raise UsageError if an event loop runs here, because a waiting call would block the application."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    raise UsageError(f"chaos.{verb}: an event loop runs here, and this call would block it", hint=f"write {instead}")
