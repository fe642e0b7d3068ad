"""Verbs that set runs side by side, or show one again."""
