"""What the checks read a history with: exchanges, the model of an id, windows of faults."""
