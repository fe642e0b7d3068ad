"""One hop of the relay: a port with a server behind it, and what its sockets and certificates can be made to do."""
