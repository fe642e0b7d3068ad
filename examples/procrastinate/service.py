# /// script
# requires-python = ">=3.11"
# dependencies = ["procrastinate==3.10.0", "psycopg[binary,pool]", "starlette", "uvicorn"]
# ///
"""A service whose queue is procrastinate's: an order is deferred as a job, and procrastinate's own worker stores it.

Queue, worker and connections are as procrastinate's documentation has them; the worker runs beside the application.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator

import procrastinate
import uvicorn
from procrastinate.exceptions import ProcrastinateException
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PAUSE_S = 0.2
ANSWER_WITHIN_S = 5.0
TABLE = "CREATE TABLE orders (id text PRIMARY KEY, digest text NOT NULL)"
queue = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=os.environ["DATABASE_URL"], timeout=2))


@queue.task(retry=procrastinate.RetryStrategy(max_attempts=20, wait=1))
async def store(*, order: str, digest: str) -> None:
    """Run by the worker: at least once."""
    await queue.connector.execute_query_async(
        "INSERT INTO orders VALUES (%(order)s, %(digest)s) ON CONFLICT DO NOTHING", order=order, digest=digest
    )


async def take(request: Request) -> Response:
    """An order is acknowledged once its job is stored."""
    document = await request.json()
    deferring = asyncio.create_task(_deferred(request.path_params["order"], document["digest"]))
    await asyncio.wait({deferring}, timeout=ANSWER_WITHIN_S)
    if not deferring.done():
        deferring.cancel()
        return PlainTextResponse("nobody knows", 504)
    return PlainTextResponse("taken", 201) if deferring.result() else PlainTextResponse("not now", 503)


async def _deferred(order: str, digest: str) -> bool:
    for _ in range(2):
        with contextlib.suppress(ProcrastinateException):
            await store.defer_async(order=order, digest=digest)
            return True
    return False


async def alive(request: Request) -> Response:
    """It answers."""
    del request
    return PlainTextResponse("alive")


async def work() -> None:
    """Run procrastinate's worker, and start it again when it ends: it does so with each connection that it loses."""
    while True:
        with contextlib.suppress(ProcrastinateException, ExceptionGroup):
            await queue.run_worker_async(
                install_signal_handlers=False, fetch_job_polling_interval=1, update_heartbeat_interval=1,
                stalled_worker_timeout=3,
            )  # fmt: skip
        await asyncio.sleep(PAUSE_S)


async def retry_stalled() -> None:
    """Give the jobs of workers that have ended to others, as procrastinate's documentation has it."""
    while True:
        with contextlib.suppress(ProcrastinateException):
            for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=2):
                await queue.job_manager.retry_job(job)
        await asyncio.sleep(1)


@contextlib.asynccontextmanager
async def lifespan(application: Starlette) -> AsyncIterator[None]:
    """Run procrastinate's worker beside the application."""
    del application
    async with queue.open_async():
        beside = [asyncio.create_task(each()) for each in (work, retry_stalled)]
        yield
        for each in beside:
            each.cancel()
        await asyncio.wait(beside)


async def prepare() -> None:
    """Make the tables: the order's, and procrastinate's."""
    async with queue.open_async():
        await queue.schema_manager.apply_schema_async()
        await queue.connector.execute_query_async(TABLE)


app = Starlette(lifespan=lifespan, routes=[Route("/alive", alive), Route("/orders/{order}", take, methods=["PUT"])])

if __name__ == "__main__":
    if sys.argv[1:] == ["prepare"]:
        asyncio.run(prepare())
    else:
        uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]), log_level="warning")
