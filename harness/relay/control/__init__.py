"""The control connection between the harness and the relay, and the values that travel on it."""
