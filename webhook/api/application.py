"""The HTTP surface."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from webhook.api import answers
from webhook.api.probes import Probes
from webhook.api.reception import Reception


def make_application(reception: Reception, probes: Probes) -> Starlette:
    """Return the ASGI application. It owns none of the parts that it is given."""
    routes = [
        Route("/webhooks/{source}", reception.receive, methods=["POST"]),
        Route("/webhooks/{source}/{delivery_id}", reception.show, methods=["GET"]),
        Route("/healthz", probes.alive, methods=["GET"]),
        Route("/readyz", probes.ready, methods=["GET"]),
        Route("/metrics", probes.metrics, methods=["GET"]),
    ]
    application = Starlette(routes=routes, exception_handlers={HTTPException: _no_such_thing})
    # A path with a slash too many is a mistake, not another spelling.
    application.router.redirect_slashes = False
    return application


async def _no_such_thing(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    words = {404: "not_found", 405: "method_not_allowed"}
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else None
    return answers.failure(
        status, words.get(status, "bad_request"), "See webhook/README.md for what there is.", headers
    )
