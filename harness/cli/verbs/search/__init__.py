"""Verbs that look for what no scenario breaks: sweeps, orders, coverage, and a program without a target."""
