"""What all servers of a stack share: where they come from, how they start, and how they end."""
