"""The maps of the fault space, as one drawing for every page."""
