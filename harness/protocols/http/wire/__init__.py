"""HTTP/1.x on the wire: bytes, heads, bodies, and which response belongs to which request."""
