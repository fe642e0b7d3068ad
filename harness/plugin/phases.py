"""The phase in which pytest reports a test as an error, although its own code passed or failed."""

JUDGED = "the judgement"
"""Pytest writes `ERROR at the judgement of test_checkout`.

Its JUnit report and other plugins treat a failure outside of the call as an error.
"""

__all__ = ["JUDGED"]
