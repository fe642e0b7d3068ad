"""Records what a delivery sends over the wire without any fault."""
