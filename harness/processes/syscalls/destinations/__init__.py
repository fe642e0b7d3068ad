"""Where a connect leads: the address in memory, the server behind it, and the port that stands for it."""
