"""What a run sees of the servers and the relay: rows, sessions, statements, deaths and logs."""
