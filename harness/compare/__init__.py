"""Compares runs: with a baseline, under profiles, a candidate with a release."""
