"""Lanes: scenarios that run at once, each lane a thread that decides and records, and a process that performs."""
