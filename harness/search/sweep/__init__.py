"""The sweep: every cell of the fault space tried and judged."""
