"""The decorator of the incident's fix, as it was reported: `async_retry(max_retries=3, delay=1.0, ...)`.

It sleeps `delay * (attempt + 1)` between attempts, which is linear. It has no jitter and no deadline, and it retries
every exception. Only the profile `incident` uses it. The report does not say whether 3 counts the first try; it does
here, as such decorators are usually written.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def async_retry(
    max_retries: int = 3,
    delay: float = 1.0,
    exceptions: tuple[type[Exception], ...] = (Exception,),
    before_sleep: Callable[[Exception], None] = lambda _: None,
) -> Callable[[Callable[P, Awaitable[T]]], Callable[P, Awaitable[T]]]:
    """Make up to `max_retries` attempts. `before_sleep` is this project's addition: it counts and logs a retry."""

    def decorate(function: Callable[P, Awaitable[T]]) -> Callable[P, Awaitable[T]]:
        @functools.wraps(function)
        async def retrying(*args: P.args, **kwargs: P.kwargs) -> T:
            for attempt in range(max_retries - 1):
                try:
                    return await function(*args, **kwargs)
                except exceptions as error:
                    before_sleep(error)
                    await asyncio.sleep(delay * (attempt + 1))
            return await function(*args, **kwargs)

        return retrying

    return decorate
