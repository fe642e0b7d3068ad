"""What every fault leaves, and what no fault leaves."""
