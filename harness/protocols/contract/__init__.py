"""What each layer of the harness asks of a protocol: `frames`, `message` and `speech` for the relay."""
