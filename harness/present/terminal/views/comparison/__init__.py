"""Runs side by side: with a baseline, profiles, over time, a release with its candidate."""
