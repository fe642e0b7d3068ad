"""Receives deliveries over HTTP and answers them: the one place where failures become statuses."""

import asyncio
import time
import traceback
from collections.abc import Awaitable, Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from webhook.api import answers
from webhook.api.inspection import Inspector, check_id, check_source
from webhook.api.rejections import RejectedError
from webhook.configuration.settings import Settings
from webhook.database.failures import AttemptFailedError, CommitLostError, Reason
from webhook.database.reading import Reading
from webhook.delivery import Delivery, Phase, Progress, Stored
from webhook.intake import Intake
from webhook.logs import Log, describe
from webhook.metrics import Metrics
from webhook.recent import RedisFailedError
from webhook.resilience.deadline import Deadline

Handler = Callable[[Request, Progress, Deadline], Awaitable[Response]]
Refusal = Callable[[str, int], Response]


class Reception:
    """The endpoints that deal with deliveries."""

    def __init__(
        self, *, settings: Settings, inspector: Inspector, intake: Intake, reading: Reading, metrics: Metrics, log: Log
    ) -> None:
        self._limit_s = settings.request_timeout_s if settings.deadline_request else None
        self._refuse = settings.errors_refuse
        self._retry_after_s = settings.retry_after_s
        self._inspector = inspector
        self._intake = intake
        self._reading = reading
        self._metrics = metrics
        self._log = log

    async def receive(self, request: Request) -> Response:
        """POST /webhooks/{source}."""
        began = time.perf_counter()
        response = await self._answered(request, self._receive, answers.refused)
        self._metrics.seconds.observe(time.perf_counter() - began)
        self._metrics.requests.labels(_outcome(response.status_code)).inc()
        return response

    async def show(self, request: Request) -> Response:
        """GET /webhooks/{source}/{id}."""
        return await self._answered(request, self._show, answers.not_looked_up)

    async def _receive(self, request: Request, progress: Progress, deadline: Deadline) -> Response:
        delivery = await self._inspected(request, progress)
        stored = await self._intake.take(delivery, progress, deadline)
        return self._kept(delivery, stored)

    async def _inspected(self, request: Request, progress: Progress) -> Delivery:
        source = request.path_params["source"]
        head = self._inspector.check_head(source, request.scope["headers"])
        progress.source, progress.delivery_id = source, head["webhook-id"]
        return self._inspector.accept(source, head, await self._body(request))

    async def _body(self, request: Request) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in request.stream():
            size += len(chunk)
            self._inspector.check_size(size)
            chunks.append(chunk)
        return b"".join(chunks)

    def _kept(self, delivery: Delivery, stored: Stored) -> Response:
        if stored.sha256 != delivery.sha256:
            return answers.conflict(stored)
        return answers.acknowledged(stored)

    async def _show(self, request: Request, progress: Progress, _: Deadline) -> Response:
        source, delivery_id = request.path_params["source"], request.path_params["delivery_id"]
        check_source(source)
        check_id(delivery_id)
        progress.source, progress.delivery_id = source, delivery_id
        read = await self._reading.fetch(source, delivery_id, progress)
        if read.found is None:
            detail = f"No delivery {delivery_id} of {source} is stored."
            return answers.failure(404, "not_found", detail, answers.read_from(read.server))
        return answers.found(*read.found, read.server)

    async def _answered(self, request: Request, handle: Handler, refusal: Refusal) -> Response:
        progress = Progress()
        deadline = Deadline(self._limit_s)
        try:
            async with deadline.scope:
                return await handle(request, progress, deadline)
        except RejectedError as error:
            return answers.rejected(error.rejection)
        except ClientDisconnect:
            return answers.failure(400, "incomplete_body", "The connection ended before the body did.")
        except (Exception, asyncio.CancelledError) as error:
            # Cancelled is who is still under way when the time to drain is over: the answer is the last thing it does.
            if not self._refuse:
                raise
            return self._failed(error, progress, deadline, refusal)

    def _failed(self, error: BaseException, progress: Progress, deadline: Deadline, refusal: Refusal) -> Response:
        if progress.phase is Phase.RECEIVE and deadline.passed:
            return answers.failure(408, "request_timeout", "The body did not arrive in time.", {"Connection": "close"})
        # A request that only reads is never in doubt.
        unknown = progress.in_doubt or isinstance(error, CommitLostError)
        self._report(error, progress, "unknown" if unknown else "refused", deadline)
        return answers.unknown() if unknown else refusal(_why(error), self._retry_after_s)

    def _report(self, error: BaseException, progress: Progress, event: str, deadline: Deadline) -> None:
        reason = error.reason.value if isinstance(error, AttemptFailedError) else _reason(error, deadline)
        self._metrics.failures.labels(reason).inc()
        unforeseen = reason == Reason.UNFORESEEN.value
        cause = error.__cause__ if isinstance(error, (AttemptFailedError, RedisFailedError)) else None
        fields = {
            "phase": progress.phase,
            "reason": reason,
            "source": progress.source,
            "delivery": progress.delivery_id,
            "attempt": progress.attempt,
            "error": describe(cause or error),
        }
        if unforeseen:
            self._log.alarm(event, **fields, traceback="".join(traceback.format_exception(error)))
        else:
            self._log.warning(event, **fields)


def _reason(error: BaseException, deadline: Deadline) -> str:
    if deadline.passed:
        return "deadline"
    if isinstance(error, asyncio.CancelledError):
        return "ending"
    return "redis_failed" if isinstance(error, RedisFailedError) else Reason.UNFORESEEN.value


def _why(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "The service is ending."
    if isinstance(error, RedisFailedError):
        return "Redis is not available."
    if isinstance(error, AttemptFailedError) and error.reason in (Reason.SHED, Reason.POOL_TIMEOUT):
        return "The service is overloaded."
    return "The database did not serve the request in time."


def _outcome(status: int) -> str:
    return {200: "acknowledged", 409: "conflict", 503: "refused", 504: "unknown"}.get(status, "rejected")
