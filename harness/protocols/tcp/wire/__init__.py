"""TCP on the wire: bytes, and no messages."""
