"""What running a Redis takes: its program, and the commands that it reports."""
