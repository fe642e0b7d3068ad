"""One hop of the relay: a port with a server behind it, and the troubles of its sockets and certificates."""
