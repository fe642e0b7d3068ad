"""NATS on the wire: framing, and what each message means."""
