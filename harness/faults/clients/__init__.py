"""The scenario's clients, as a fault sees them."""
