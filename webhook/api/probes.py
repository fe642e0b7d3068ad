"""The endpoints for monitoring: alive, ready, metrics."""

import asyncio
from collections.abc import Awaitable, Callable

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import Response

from webhook.api import answers
from webhook.configuration.settings import Settings
from webhook.database.failures import AttemptFailedError
from webhook.database.lag import ReplicaLag
from webhook.database.store import Store
from webhook.logs import describe
from webhook.metrics import Metrics
from webhook.recent import RecentDeliveries

Check = Callable[[], Awaitable[None]]


class Probes:
    """The endpoints for monitoring."""

    def __init__(
        self, *, settings: Settings, store: Store, recent: RecentDeliveries, metrics: Metrics, lag: ReplicaLag | None
    ) -> None:
        self._limit_s = settings.ready_timeout_s
        self._redis_needed = not settings.redis_fail_open
        self._store = store
        self._recent = recent
        self._metrics = metrics
        self._lag = lag

    async def alive(self, _: Request) -> Response:
        """GET /healthz: the event loop runs."""
        return answers.status_report(200, {"status": "alive"})

    async def ready(self, _: Request) -> Response:
        """GET /readyz: each dependency, and why it is unavailable. Redis counts only if its failures fail requests."""
        try:
            postgres, redis = await asyncio.gather(self._why_not(self._store.check), self._why_not(self._recent.ping))
        except asyncio.CancelledError:
            return answers.status_report(503, {"status": "ending"})
        ready = postgres is None and (redis is None or not self._redis_needed)
        word = "ready" if ready and redis is None else "degraded" if ready else "not ready"
        dependencies = {"postgres": _dependency(postgres), "redis": _dependency(redis)}
        return answers.status_report(200 if ready else 503, {"status": word, "dependencies": dependencies})

    async def metrics(self, _: Request) -> Response:
        """GET /metrics, for Prometheus. The replica's lag is measured during this request."""
        if self._lag is not None:
            await self._lag.measure()
        return Response(generate_latest(self._metrics.registry), media_type=CONTENT_TYPE_LATEST)

    async def _why_not(self, check: Check) -> str | None:
        limit = asyncio.timeout(self._limit_s)
        try:
            async with limit:
                await check()
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer
            if limit.expired():
                return f"no answer within {self._limit_s:g} s"
            return describe(error.__cause__ if isinstance(error, AttemptFailedError) and error.__cause__ else error)
        return None


def _dependency(error: str | None) -> dict[str, object]:
    return {"ok": True} if error is None else {"ok": False, "error": error}
