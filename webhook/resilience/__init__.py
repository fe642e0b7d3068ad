"""Limits on attempts: deadlines, retries and their budget, the breaker, the gate."""
