"""The phase in which pytest reports a test as an error, although its own code passed or failed."""

JUDGED = "the judgement"
"""Pytest writes `ERROR at the judgement of test_checkout`.

What its JUnit report and other plugins take for an error is a failure outside of the call.
"""

__all__ = ["JUDGED"]
