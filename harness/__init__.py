"""A chaos and fault-injection regression harness."""
