"""Benchmarks, run by name: `python -m bench NAME`. Ratios, measured side by side; nothing is asserted on a clock."""
