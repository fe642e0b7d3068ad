"""Compares runs: with a baseline, between profiles, and a candidate with a release."""
