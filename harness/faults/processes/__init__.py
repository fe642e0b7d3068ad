"""Faults of the service's processes, by what they change: its end, clock, resources, output or workers."""
