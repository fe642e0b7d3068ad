"""Faults of the service's processes, by what they take: its end, its clock, its resources, its output, its workers."""
