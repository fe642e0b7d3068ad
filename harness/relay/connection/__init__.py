"""One relayed connection: its two sockets, the bytes that pass, and the engine between them."""
