"""Bounds on trying: deadlines, retries and their budget, the breaker, the gate."""
