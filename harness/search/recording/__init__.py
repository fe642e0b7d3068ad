"""What a delivery puts on the wire when nothing is broken."""
