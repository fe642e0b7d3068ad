"""Group commit: deliveries that arrive together are stored by one transaction.

The first delivery is stored at once, alone. Deliveries that arrive while the maximum number of transactions runs wait,
and become the rows of the next one. No transaction waits for more deliveries. So nothing changes with one client, and
many clients share one ping, BEGIN, INSERT and COMMIT.

A problem with one delivery must not affect the others:

- If the server rejects a batch, one of its rows may be the cause: each is then stored alone.
- A retry is stored alone, so the cause of one failed batch cannot fail another.
- Two deliveries with one key are never stored at once: the second would wait for the first one's COMMIT.
- A request whose time is over leaves. The others are stored; its client does not learn whether its own delivery is. (A
  client that hangs up does not end its request.)
- The next transaction does not wait for a slow one.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from webhook.database.failures import (
    MAY_BE_OF_ONE_ROW,
    AttemptFailedError,
    NoTurnError,
    Reason,
    ShedError,
    told_again,
)
from webhook.database.slots import Slot, Slots
from webhook.database.store import Store
from webhook.delivery import Delivery, Key, Phase, Progress, Shared, Stored
from webhook.logs import Log, describe
from webhook.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of the batches."""

    committers: int
    """How many transactions run at once while they are quick."""
    most: int
    """How many transactions run at once, including slow ones."""
    alone: int
    """How many transactions run beside them, for deliveries that are stored alone after a failure."""
    rows: int
    bytes: int
    """The bytes of all bodies in one batch; a larger body is stored alone."""
    quick_s: float
    waiting: int | None
    """How many deliveries may wait for their turn; None: any number."""
    wait_s: float | None
    """How long a delivery may wait for its turn; None: without limit."""
    newest_first: bool


class _Flight:
    """One transaction and the deliveries that it stores."""

    __slots__ = ("members", "task")

    def __init__(self, members: Sequence["_Member"]) -> None:
        self.members = members
        self.task: asyncio.Task[None] | None = None

    def left(self, member: "_Member") -> None:
        """A request has given up. Its row is stored with the others; if there are no others, the transaction ends."""
        if any(not each.answer.done() for each in self.members):
            member.progress.in_doubt = True
        elif self.task is not None:
            self.task.cancel()


class _Member:
    """A delivery that waits for its turn, and then for its answer."""

    __slots__ = ("answer", "delivery", "flight", "progress", "timer")

    def __init__(self, delivery: Delivery, progress: Progress) -> None:
        self.delivery = delivery
        self.progress = progress
        self.answer: asyncio.Future[Stored | None] = asyncio.get_running_loop().create_future()
        """None: it must be stored alone."""
        self.timer: asyncio.TimerHandle | None = None
        self.flight: _Flight | None = None

    def stored(self, stored: Stored | None) -> None:
        """Tell it, if it is still there."""
        if not self.answer.done():
            self.answer.set_result(stored)

    def failed(self, error: AttemptFailedError) -> None:
        """Tell it, if it is still there."""
        if not self.answer.done():
            self.answer.set_exception(told_again(error))


class Group:
    """Stores one delivery at a time for each caller, and several at once when it can."""

    def __init__(self, store: Store, *, limits: Limits, splits: bool, metrics: Metrics, log: Log) -> None:
        self._store = store
        self._limits = limits
        self._splits = splits
        self._metrics = metrics
        self._log = log
        self._slots = Slots(few=limits.committers, most=limits.most, quick_s=limits.quick_s, freed=self._depart)
        self._alone = asyncio.Semaphore(limits.alone)
        self._members: list[_Member] = []
        """The deliveries that wait for a turn, in order of arrival."""
        self._keys: Counter[Key] = Counter()
        """The keys of the deliveries that are being stored, alone or with others."""
        self._flights: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many deliveries wait for their turn."""
        return len(self._members)

    async def insert(self, delivery: Delivery, progress: Progress) -> Stored:
        """Store the delivery as `Store.insert` does, together with others if there are any.

        Raises:
            AttemptFailedError: nothing of it is stored.
            CommitLostError: it may be stored.

        """
        if progress.attempt == 1:
            stored = await self._in_turn(delivery, progress)
            if stored is not None:
                return stored
        return await self._by_itself(delivery, progress)

    async def close(self) -> None:
        """Wait for the running transactions."""
        if self._flights:
            await asyncio.wait(self._flights)

    async def _in_turn(self, delivery: Delivery, progress: Progress) -> Stored | None:
        if self._slots.free and delivery.key not in self._keys:
            return await self._at_once(delivery, progress)
        member = self._queue(delivery, progress)
        try:
            return await member.answer
        except asyncio.CancelledError:
            self._gives_up(member)
            raise

    async def _at_once(self, delivery: Delivery, progress: Progress) -> Stored:
        slot = self._slots.take()
        self._keys[delivery.key] += 1
        try:
            return await self._store.insert(delivery, progress)
        finally:
            self._let_go([delivery])
            slot.give_back()

    async def _by_itself(self, delivery: Delivery, progress: Progress) -> Stored:
        progress.phase = Phase.CHECKOUT
        try:
            async with asyncio.timeout(self._limits.wait_s):
                await self._alone.acquire()
        except TimeoutError:
            raise AttemptFailedError(Phase.CHECKOUT, Reason.POOL_TIMEOUT) from self._no_turn()
        self._keys[delivery.key] += 1
        try:
            return await self._store.insert(delivery, progress)
        finally:
            self._alone.release()
            self._let_go([delivery])
            self._depart()

    def _queue(self, delivery: Delivery, progress: Progress) -> _Member:
        progress.phase = Phase.CHECKOUT
        if self._limits.waiting is not None and len(self._members) >= self._limits.waiting:
            self._metrics.shed.inc()
            shed = ShedError(f"{len(self._members)} deliveries wait for the next transactions")
            raise AttemptFailedError(Phase.CHECKOUT, Reason.SHED) from shed
        self._metrics.pool_waits.inc()
        member = _Member(delivery, progress)
        if self._limits.wait_s is not None:
            member.timer = asyncio.get_running_loop().call_later(self._limits.wait_s, self._waited_in_vain, member)
        self._members.append(member)
        return member

    def _waited_in_vain(self, member: _Member) -> None:
        self._members.remove(member)
        late = AttemptFailedError(Phase.CHECKOUT, Reason.POOL_TIMEOUT)
        late.__cause__ = self._no_turn()
        member.failed(late)

    def _no_turn(self) -> NoTurnError:
        return NoTurnError(f"other transactions have taken more than {self._limits.wait_s:g} s")

    def _gives_up(self, member: _Member) -> None:
        if member.flight is not None:
            member.flight.left(member)
            return
        if member.timer is not None:
            member.timer.cancel()
        if member in self._members:
            self._members.remove(member)

    def _depart(self) -> None:
        """Start as many transactions as possible for the waiting deliveries."""
        while self._slots.free and (members := self._next()):
            flight = _Flight(members)
            for member in members:
                member.flight = flight
                if member.timer is not None:
                    member.timer.cancel()
            flight.task = asyncio.create_task(self._fly(members, self._slots.take()))
            self._flights.add(flight.task)
            flight.task.add_done_callback(self._flights.discard)

    def _next(self) -> Sequence[_Member]:
        chosen: list[_Member] = []
        size = 0
        for member in reversed(self._members) if self._limits.newest_first else self._members:
            if member.delivery.key in self._keys or member.answer.done():
                continue  # it has to wait for another one, or has just been given up
            size += len(member.delivery.body)
            if chosen and (len(chosen) == self._limits.rows or size > self._limits.bytes):
                break
            self._keys[member.delivery.key] += 1
            chosen.append(member)
        self._members = [member for member in self._members if member not in chosen]
        return chosen

    async def _fly(self, members: Sequence[_Member], slot: Slot) -> None:
        deliveries = [member.delivery for member in members]
        try:
            stored = await self._store_all(deliveries, Shared([member.progress for member in members]))
        except AttemptFailedError as error:
            self._tell(members, error)
        else:
            for member, one in zip(members, stored, strict=True):
                member.stored(one)
        finally:
            for member in members:
                member.answer.cancel()  # of those that have no answer, since this was cancelled
            self._let_go(deliveries)
            slot.give_back()

    async def _store_all(self, deliveries: Sequence[Delivery], progress: Shared) -> Sequence[Stored]:
        if len(deliveries) == 1:
            return [await self._store.insert(deliveries[0], progress)]
        stored = await self._store.insert_all(deliveries, progress)
        self._metrics.batches.inc()
        self._metrics.batched.inc(len(deliveries))
        return stored

    def _tell(self, members: Sequence[_Member], error: AttemptFailedError) -> None:
        if self._splits and len(members) > 1 and error.reason in MAY_BE_OF_ONE_ROW:
            self._metrics.batch_splits.inc()
            self._log.warning(
                "batch_split",
                phase=error.phase,
                reason=error.reason,
                rows=len(members),
                error=describe(error.__cause__ or error),
            )
            for member in members:
                member.stored(None)
            return
        for member in members:
            member.failed(error)

    def _let_go(self, deliveries: Sequence[Delivery]) -> None:
        for each in deliveries:
            self._keys[each.key] -= 1
            if not self._keys[each.key]:
                del self._keys[each.key]
