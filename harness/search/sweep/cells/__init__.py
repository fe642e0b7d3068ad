"""How one cell of the fault space is tried: its state, its fault, its deliveries, and the judgement."""
