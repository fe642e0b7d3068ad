"""The sweep: tries and judges every cell of the fault space."""
