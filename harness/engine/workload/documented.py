"""Compares requests and their answers with the OpenAPI document that the target names."""

from __future__ import annotations

from collections.abc import Sequence

from harness.history.events import Asks
from harness.target import OutgoingRequest, Target
from harness.target.openapi import DocumentedAnswer, openapi_of
from harness.target.sections.requests import WrongDescription
from harness.vocabulary import CONFIRMED, REJECTED, Outcome

BY_ITS_ID = {"about", "id", "status"}
BY_ITS_PATH = {"about", "method", "path", "status"}


def not_as_documented(
    target: Target, request: OutgoingRequest, answer: DocumentedAnswer, *, asks: Asks, name: str, outcome: Outcome
) -> Sequence[str]:
    """What the document should say about this request, or its answer, but does not.

    It must allow what the service accepts. It must not allow a request that is rejected only for its id or its path.
    """
    described = target.description
    if described.contract.openapi is None:
        return ()
    document = openapi_of(target.directory / described.contract.openapi)
    problem = document.undocumented(request.method, request.path, answer)
    refused = document.not_allowed(request.method, request.path, request.headers)
    if not problem and refused and outcome in CONFIRMED:
        problem = f"it was accepted, though {refused}"
    rejected = asks is Asks.WRONG and outcome in REJECTED and _is_wrong_by_its_name(described.wrong[name])
    if not problem and not refused and rejected and document.has(request.method, request.path):
        problem = "it was rejected, and nothing there forbids it"
    return (f"its place in {document.name}: {problem}",) if problem else ()


def _is_wrong_by_its_name(wrong: WrongDescription) -> bool:
    """Whether only its id, or the path of a read, is wrong."""
    changes = wrong.model_fields_set
    return changes <= BY_ITS_ID or (changes <= BY_ITS_PATH and wrong.method == "GET")
