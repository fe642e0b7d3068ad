"""The phase in which a test is an error though its own code has passed, or failed."""

JUDGED = "the judgement"
"""Pytest writes `ERROR at the judgement of test_checkout`.

What its JUnit report and other plugins take for an error is a failure outside of the call.
"""

__all__ = ["JUDGED"]
