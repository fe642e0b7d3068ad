"""RESP2 and RESP3 on the wire: bytes, commands, replies, and which reply belongs to which command."""
