"""The maps of the fault space, drawn the same way on every page."""
