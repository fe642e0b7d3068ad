"""Limits retries to a share of the requests: when everything fails, retrying everything makes it worse."""


class RetryBudget:
    """A token bucket for the whole process: a request adds part of a token, a retry takes a whole one."""

    def __init__(self, *, ratio: float, burst: int) -> None:
        self._ratio = ratio
        self._burst = burst
        self.tokens = float(burst)

    def request(self) -> None:
        """Count a request."""
        self.tokens = min(self._burst, self.tokens + self._ratio)

    def spend(self) -> bool:
        """Take a token for a retry; False when none is left."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class NoBudget(RetryBudget):
    """Lets every retry pass."""

    def __init__(self) -> None:
        super().__init__(ratio=0, burst=0)

    def spend(self) -> bool:
        """Let it pass."""
        return True
