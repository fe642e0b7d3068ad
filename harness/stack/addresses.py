"""A host and a port, as one value."""

from harness.addresses import HostPort

__all__ = ["HostPort"]
