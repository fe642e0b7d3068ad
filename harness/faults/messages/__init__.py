"""What faults of single messages are made of: rules of the relay, moments, and the messages that fired them."""
