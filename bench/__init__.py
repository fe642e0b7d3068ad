"""Benchmarks, run by name: `python -m bench NAME`.

They measure ratios side by side; no assertion depends on a clock.
"""
