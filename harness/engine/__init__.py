"""Drives one service through one run: lays its links, performs the steps and observes what happens."""
