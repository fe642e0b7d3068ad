"""Why a request is not taken: the client's mistakes."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rejection:
    """A 4xx answer: nothing is stored."""

    status: int
    error: str
    """A word for programs."""
    detail: str
    """A sentence for people."""


class RejectedError(Exception):
    """Carries the rejection to the code that answers it."""

    def __init__(self, status: int, error: str, detail: str) -> None:
        super().__init__(detail)
        self.rejection = Rejection(status, error, detail)
