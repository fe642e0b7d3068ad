"""Host names: looked up again for each connection, with a time limit, and answered from memory if that fails.

asyncio looks up a name in one of the few threads of its pool, and a resolver without an answer blocks the thread for
ten seconds. Connects that were given up long ago then hold the threads, and names that would resolve wait for one. Here
all connects share one look-up of a name, in a thread that does not delay the end of the process.
"""

import asyncio
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from webhook.configuration.settings import Settings
from webhook.logs import Log, describe

Question: TypeAlias = tuple[Any, ...]
"""The arguments of `socket.getaddrinfo`."""
Found: TypeAlias = Sequence[Any]
"""What it returns: addresses to connect to, in order."""


@dataclass(frozen=True, slots=True)
class _LookUp:
    """A running look-up. `over_at`: when the last waiting connect gives up, by the loop's clock."""

    future: asyncio.Future[Found | OSError]
    over_at: float


class Names:
    """Looks names up. `limit_s`: how long that may take; None: no limit, in a thread of asyncio's pool."""

    def __init__(self, *, limit_s: float | None, last_known: bool, log: Log) -> None:
        self._limit_s = limit_s
        self._last_known = last_known
        self._log = log
        self._known: dict[Question, Found] = {}
        self._under_way: dict[Question, _LookUp] = {}

    async def look_up(self, question: Question) -> Found:
        """Return the name's current addresses or, if they cannot be found out, its last known ones.

        Raises:
            OSError: it has no address, or the time is over.

        """
        if self._limit_s is None:
            found = await asyncio.get_running_loop().run_in_executor(None, _find, question)
        else:
            found = await self._within(question, self._limit_s)
        if isinstance(found, OSError):
            return self._without_answer(question, found)
        self._known[question] = found
        return found

    async def _within(self, question: Question, limit_s: float) -> Found | OSError:
        look_up = self._begun(question, limit_s)
        limit = asyncio.timeout_at(look_up.over_at)
        try:
            async with limit:
                # It goes on without this request: a later one may find it done.
                return await asyncio.shield(look_up.future)
        except TimeoutError:
            return socket.gaierror(socket.EAI_AGAIN, f"{question[0]} was not looked up within {limit_s:g} s")

    def _without_answer(self, question: Question, error: OSError) -> Found:
        known = self._known.get(question) if self._last_known else None
        self._log.warning("name_not_resolved", name=question[0], last_known=known is not None, error=describe(error))
        if known is None:
            raise OSError(*error.args) from error
        return known

    def _begun(self, question: Question, limit_s: float) -> _LookUp:
        under_way = self._under_way.get(question)
        if under_way is None:
            loop = asyncio.get_running_loop()
            under_way = self._under_way[question] = _LookUp(loop.create_future(), loop.time() + limit_s)
            under_way.future.add_done_callback(lambda _: self._under_way.pop(question))
            threading.Thread(target=_look_up, args=(question, under_way.future), daemon=True).start()
        return under_way


def _look_up(question: Question, future: asyncio.Future[Found | OSError]) -> None:
    found = _find(question)
    try:
        future.get_loop().call_soon_threadsafe(future.set_result, found)
    except RuntimeError:
        return  # the loop has ended meanwhile, and with it all who waited


def _find(question: Question) -> Found | OSError:
    try:
        return socket.getaddrinfo(*question)
    except OSError as error:
        return error
    except UnicodeError as error:  # a label is empty, or too long
        return socket.gaierror(socket.EAI_NONAME, str(error))


class NamingLoop(asyncio.SelectorEventLoop):
    """asyncio's loop with these look-ups for its connections. asyncpg and redis-py both connect through it."""

    def __init__(self, names: Names) -> None:
        super().__init__()
        self._names = names

    async def getaddrinfo(  # type: ignore[override]  # typeshed's has the tuples' types
        self,
        host: Any,
        port: Any,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - asyncio's name for it
        proto: int = 0,
        flags: int = 0,
    ) -> Found:
        """See `loop.getaddrinfo`. An address needs no look-up: asyncio does not ask for one."""
        return await self._names.look_up((host, port, family, type, proto, flags))


def make_loop(settings: Settings, log: Log) -> asyncio.AbstractEventLoop:
    """Make the service's loop; it is asyncio's own if both protections are off."""
    if not settings.names_bounded and not settings.names_last_known:
        return asyncio.new_event_loop()
    limit_s = settings.names_timeout_s if settings.names_bounded else None
    return NamingLoop(Names(limit_s=limit_s, last_known=settings.names_last_known, log=log))
