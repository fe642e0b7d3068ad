"""Parts of a running Redis: its program, and the commands that it reports."""
