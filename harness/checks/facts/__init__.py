"""Tools with which checks read a history: exchanges, the model of an id, windows of faults."""
