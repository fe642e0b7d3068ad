"""PostgreSQL's protocol 3 on the wire: bytes, messages, statements, and which answer belongs to which."""
